"""Every two options of attention meet in a model that trains, saves, exports and verifies."""

import keras
import numpy as np
import pytest

from attnzoo import export, zoo

from ..attention_pairs import FACTORS, covering_models, has_meaning, overrides, pairs_of
from ..layer_test_case import randomize_weights
from ..zoo.small_models import model_inputs, sample

MODELS = covering_models()
SIZES = {
    "vocabulary_size": 8000,  # So that weights outweigh the constants of a graph.
    "max_sequence_length": 32,
    "hidden_dim": 8,
    "intermediate_dim": 12,
    "num_layers": 1,
    "num_heads": 2,
}
every_pair = pytest.mark.parametrize(
    "options", MODELS, ids=lambda options: "-".join(str(option) for option in options.values())
)


def build(options):
    return zoo.build("sentiment_classifier/tiny", **SIZES, **overrides(options))


def test_every_pair_with_a_meaning_is_covered():
    covered = set().union(*map(pairs_of, MODELS))
    for first, second in ((a, b) for i, a in enumerate(FACTORS) for b in list(FACTORS)[i + 1 :]):
        for one in FACTORS[first]:
            for other in FACTORS[second]:
                if has_meaning({first: one, second: other}) and not (
                    "attention" not in (first, second) and one == other
                ):
                    assert ((first, one), (second, other)) in covered


@every_pair
def test_it_trains_a_step_and_comes_back_from_its_file(options, tmp_path):
    model = build(options)
    inputs = model_inputs(model, sample(model, lengths=[11, 6]))
    before = [weight.numpy() for weight in model.trainable_weights]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(0.5), loss, jit_compile=False)
    model.fit(inputs, np.array([0, 1]), verbose=0)
    after = [weight.numpy() for weight in model.trainable_weights]
    assert all(np.isfinite(array).all() for array in after)
    assert any(np.abs(new - old).max() > 1e-6 for new, old in zip(after, before, strict=True))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded(inputs), model(inputs), atol=1e-6)


@pytest.mark.slow
@every_pair
def test_both_formats_answer_as_the_model_does(options, tmp_path):
    model = build(options)
    randomize_weights(model)
    report = export.to_artefact(model, tmp_path / "dist")
    assert report.passed


def test_positions_inside_the_formula_are_refused_by_attention_without_one():
    with pytest.raises(ValueError, match=r"position that is added to the input.*'rope'"):
        zoo.build("sentiment_classifier/tiny", attention="linear", position="rope")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attention": "hard"}, "`attention`, expected one of"),
        ({"attention": "linear", "score": "additive"}, "`score` only with attention 'multi_head'"),
        ({"attention": "nystrom", "causal": True}, "`causal` only with .*'multi_head' or 'linear'"),
        ({"feature_map": "favor"}, "`feature_map` only with attention 'linear'"),
        ({"num_landmarks": 8}, "`num_landmarks` only with attention 'nystrom'"),
        ({"window_style": "chunked_limited"}, "only with a `window`"),
        ({"global_tokens": 2}, "only with a `window`"),
        ({"window": (2, 1), "causal": True}, "does not look ahead"),
        ({"position": "sincos_2d"}, "grid"),
        ({"position": "conditional", "causal": True}, "does not look ahead"),
    ],
    ids=str,
)
def test_options_without_meaning_together_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        zoo.build("sentiment_classifier/tiny", **SIZES, **changes)
