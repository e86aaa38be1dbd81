"""ModernBERT's checkpoints: which blocks are global, exported, refused by name."""

import json

import numpy as np
import pytest

from attnzoo import export, zoo
from attnzoo.zoo.pretrained import save_checkpoint

from .small_checkpoints import bert_pipeline, change_settings

TEXTS = ["a good film", "", "very bad films!"]
MODERN = {
    "embedding_norm": True,
    "feed_forward": "geglu",
    "final_norm": True,
    "first_attention_norm": False,
    "global_every": 3,
    "global_rope_wavelength": 160000.0,
    "head_activation": "gelu",
    "head_bias": False,
    "head_norm": True,
    "layer_norm_epsilon": 1e-5,
    "norm_bias": False,
    "normalize_first": True,
    "num_layers": 4,
    "num_segments": 0,
    "pooler_activation": None,
    "position": "rope",
    "use_bias": False,
    "window": (2, 2),
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "modernbert"


@pytest.fixture
def written(folder):
    pipeline = bert_pipeline(**MODERN)
    assert save_checkpoint(pipeline, folder) == "modernbert"
    return pipeline


def test_what_was_written_is_read_and_exported_to_both_formats(folder, written, tmp_path):
    read = zoo.load(folder)
    for weight, reference in zip(read.model.weights, written.model.weights, strict=True):
        np.testing.assert_array_equal(weight, reference)
    assert repr(read(TEXTS)) == repr(written(TEXTS))
    assert export.to_artefact(read, tmp_path / "dist").passed


def test_a_saved_pipeline_answers_as_before(written, tmp_path):
    written.save(tmp_path / "saved")
    assert repr(zoo.load(tmp_path / "saved")(TEXTS)) == repr(written(TEXTS))


def test_every_third_block_attends_to_all_and_the_others_nearby(folder, written):
    blocks = [layer for layer in zoo.load(folder).model.layers if "encoder_block" in layer.name]
    attentions = [block.self_attention for block in blocks]
    assert [attention.window for attention in attentions] == [None, (2, 2), (2, 2), None]
    wavelengths = [attention.position.max_wavelength for attention in attentions]
    assert wavelengths == [160000.0, 10000.0, 10000.0, 160000.0]


def test_the_newer_way_to_say_it_is_read_too(folder, written):
    types = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"]
    ropes = {"full_attention": 5000.0, "sliding_attention": 70.0}
    ropes = {kind: {"rope_type": "default", "rope_theta": t} for kind, t in ropes.items()}
    change_settings(
        folder,
        layer_types=types,
        rope_parameters=ropes,
        global_attn_every_n_layers=None,
        global_rope_theta=None,
        local_rope_theta=None,
    )
    config = zoo.load(folder).config
    assert config.global_every == 3
    assert (config.global_rope_wavelength, config.rope_wavelength) == (5000.0, 70.0)


def test_local_blocks_turn_as_global_ones_where_the_file_says_nothing_else(folder, written):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "local_rope_theta": None}))
    assert zoo.load(folder).config.rope_wavelength == 160000.0


WRONG = {
    "another order": (
        {"layer_types": ["sliding_attention"] + 3 * ["full_attention"]},
        "`layer_types` of config.json to be 'full_attention' every so many layers",
    ),
    "scaled positions": (
        {"rope_parameters": {"full_attention": {"rope_type": "yarn", "rope_theta": 1.0}}},
        "`rope_parameters` of config.json to be of the default kind.*yarn",
    ),
    "biases": ({"mlp_bias": True}, r"mlp_bias=True \(expected False\)"),
    "another activation": ({"hidden_activation": "silu"}, "hidden_activation='silu'"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_configuration_that_is_not_understood_is_refused(folder, written, wrong):
    changes, message = WRONG[wrong]
    change_settings(folder, **changes)
    with pytest.raises(ValueError, match=message):
        zoo.load(folder)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"feed_forward": "swiglu"}, "'gelu', 'geglu' or 'relu'"),
        ({"global_every": 0, "window": (1, 1)}, "a positive integer or None"),
        ({"global_every": 2}, "only with a `window`"),
        ({"global_rope_wavelength": 5.0}, "only with position='rope' and `global_every`"),
        ({"head_bias": False}, "only with `head_activation`"),
        ({"head_norm": True}, "only with `head_activation`"),
        ({"rope_wavelength": 5.0}, "only with position='rope'"),
        ({"first_attention_norm": False, "normalize_first": False}, "`normalize_first=True`"),
    ],
    ids=str,
)
def test_a_field_that_would_do_nothing_is_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        zoo.get_config("sentiment_classifier").replace(**fields)
