import keras
import numpy as np
import pytest

from attnzoo import zoo

from ..layer_test_case import randomize_weights
from . import speech_reference

RATE = 8000
VECTOR = 4 * 80  # samples
CENTERED = {
    "stem": "centered",
    "stem_channels": (8, 16),
    "stem_kernels": (5, 3),
    "stem_strides": (2, 2),
}
OF_SAMPLES = {
    "num_mels": 80,
    "feature_normalization": None,
    "frequency_masks": 0,
    "time_masks": 0,
    "stem": "waveform",
    "stem_channels": (8, 8),
    "stem_kernels": (20, 20),
    "stem_strides": (16, 20),
    "stem_norm": "layer",
}


def encoder(**overrides):
    """A small speech encoder with noise for weights."""
    sizes = {"sampling_rate": RATE, "num_mels": 10, "hidden_dim": 16, "intermediate_dim": 24}
    model = zoo.build("speech_encoder/tiny", **{**sizes, "num_classes": 5, **overrides})
    randomize_weights(model)
    if zoo.config_of(model).feature_normalization == "global":
        model.get_layer("feature_normalization").set_weights(
            [np.linspace(-3.0, 1.0, 10), np.linspace(1.0, 3.0, 10)]
        )
    return model


def recordings(*samples, seed=0):
    """Noise of these lengths, padded with more noise, and its mask."""
    rng = np.random.default_rng(seed)
    waveform = 0.1 * rng.normal(size=(len(samples), max(samples))).astype("float32")
    return waveform, np.arange(max(samples)) < np.array(samples)[:, None]


def answers(model, waveform, mask):
    """The model's logits of the real vectors of each recording."""
    logits = np.asarray(model({"waveform": waveform, "padding_mask": mask}))
    return [row[: real.sum() // VECTOR] for row, real in zip(logits, mask, strict=True)]


@pytest.mark.parametrize(
    "overrides",
    [
        {"att_context_size": (5, 2)},
        {"att_context_size": (4, 3), "att_context_style": "chunked_limited"},
        {"att_context_size": None},
        {"att_context_size": (3, 0), "convolution_kernel": None, "num_layers": 3},
        {"att_context_size": [(6, 1), (2, 2)]},
    ],
    ids=str,
)
def test_it_is_the_network_of_the_papers_in_float64(overrides):
    model = encoder(**overrides)
    waveform, mask = recordings(RATE, 23 * VECTOR + 37, 3 * VECTOR)
    expected = speech_reference.logits(model, waveform, mask)
    for logits, reference in zip(answers(model, waveform, mask), expected, strict=True):
        np.testing.assert_allclose(logits, reference, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("subsampling", "vectors"), [(1, 41), (2, 20), (4, 10)])
def test_frames_become_fewer_vectors(subsampling, vectors):
    model = encoder(subsampling=subsampling)
    assert model({"waveform": np.zeros((2, 41 * 80 + 79), "float32")}).shape == (2, vectors, 5)
    assert zoo.config_of(model).steps_per_vector == 80 * subsampling


def test_features_may_come_in_place_of_a_waveform():
    model, of_features = encoder(), encoder(input="features")
    of_features.set_weights(model.get_weights())
    waveform, _ = recordings(RATE)
    frames = model.get_layer("log_mel")(waveform)
    np.testing.assert_allclose(
        of_features({"features": frames}), model({"waveform": waveform}), atol=1e-5
    )
    assert zoo.config_of(of_features).steps_per_vector == 4


def test_what_lies_outside_the_receptive_field_changes_nothing():
    model = encoder(att_context_size=(2, 1), convolution_kernel=3)
    waveform, mask = recordings(60 * VECTOR)
    logits = answers(model, waveform, mask)[0]
    # A block reaches 2 back and 1 on, its convolution 2 back, subsampling and the frame's window
    # less than 1; there are two blocks.
    for changed in (slice(0, 20 * VECTOR), slice(33 * VECTOR, None)):
        other = waveform.copy()
        other[:, changed] += 0.3
        np.testing.assert_allclose(
            answers(model, other, mask)[0][30], logits[30], rtol=0, atol=1e-6
        )
    for changed in (slice(24 * VECTOR, 27 * VECTOR), slice(31 * VECTOR, 32 * VECTOR)):
        other = waveform.copy()
        other[:, changed] += 0.3
        assert np.abs(answers(model, other, mask)[0][30] - logits[30]).max() > 1e-4


def test_the_class_of_a_recording_is_one_answer():
    model = encoder(head="class", feature_normalization="utterance")
    waveform, mask = recordings(RATE, RATE // 2)
    assert model({"waveform": waveform, "padding_mask": mask}).shape == (2, 5)
    louder = model({"waveform": 3 * waveform, "padding_mask": mask})
    np.testing.assert_allclose(
        louder, model({"waveform": waveform, "padding_mask": mask}), atol=2e-2
    )


def test_padding_is_blank_with_ctc_and_not_with_a_label_for_each_vector():
    waveform, mask = recordings(RATE, RATE // 2)
    inputs = {"waveform": waveform, "padding_mask": mask}
    padding = slice(RATE // 2 // VECTOR, None)
    assert (np.asarray(encoder()(inputs))[1, padding].argmax(-1) == 0).all()
    assert (np.asarray(encoder()(inputs))[1, padding, 1:] < -1e3).all()
    assert (np.asarray(encoder(head="frames")(inputs)) > -1e3).all()


def test_of_several_contexts_training_draws_and_all_else_takes_the_first():
    contexts = [(8, 8), (1, 0), (0, 0)]
    model = encoder(att_context_size=contexts, dropout=0.0, embedding_dropout=0.0, time_masks=0)
    model = zoo.builder.rebuild(model, frequency_masks=0)
    alone = [zoo.builder.rebuild(model, att_context_size=context) for context in contexts]
    waveform, mask = recordings(RATE)
    inputs = {"waveform": waveform, "padding_mask": mask}
    expected = [np.asarray(one(inputs)) for one in alone]
    np.testing.assert_allclose(model(inputs), expected[0], atol=1e-6)
    drawn = []
    for _ in range(30):
        logits = np.asarray(model(inputs, training=True))
        distances = [np.abs(logits - reference).max() for reference in expected]
        assert min(distances) < 1e-5
        drawn.append(int(np.argmin(distances)))
    assert set(drawn) == {0, 1, 2}


def test_augmentation_is_active_in_training_only():
    model = encoder(dropout=0.0, embedding_dropout=0.0)
    waveform, mask = recordings(RATE)
    inputs = {"waveform": waveform, "padding_mask": mask}
    np.testing.assert_array_equal(model(inputs), model(inputs))
    assert np.abs(np.asarray(model(inputs, training=True)) - np.asarray(model(inputs))).max() > 0.01


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"head": "attention"}, r"`head`, expected one of \('ctc', 'class', 'frames'\)"),
        ({"subsampling": 3}, r"`subsampling`, expected one of \(1, 2, 4\)"),
        ({"input": "mp3"}, r"`input`, expected one of"),
        ({"feature_normalization": "batch"}, r"`feature_normalization`, expected one of"),
        ({"feature_normalization": None}, "only with input='features'"),
        ({"stem": "conformer"}, r"`stem`, expected one of"),
        ({"stem": "centered"}, r"`stem_channels`.* with stem='centered'.*stem_channels=None"),
        ({**CENTERED, "stem_strides": (2,)}, r"a number for each.*stem_strides=\(2,\)"),
        ({**CENTERED, "stem_channels": (8, 9)}, r"last of `stem_channels` to be `hidden_dim`"),
        ({**CENTERED, "stem_kernels": (4, 4)}, "`kernel_sizes`, expected odd"),
        ({**CENTERED, "subsampling": 2}, "`subsampling` only with stem='causal'"),
        ({"stem_kernels": (5, 5)}, "`stem_kernels` only with stem='centered' or 'waveform'"),
        ({"stem_hears_padding": True}, "`stem_hears_padding` only with stem='centered' or"),
        ({**OF_SAMPLES, "time_masks": 1}, r"time_masks=0 with stem='waveform'.*time_masks=1"),
        ({**OF_SAMPLES, "input": "features"}, "input='waveform'.*input='features'"),
        ({**OF_SAMPLES, "feature_normalization": "global"}, "feature_normalization='global'"),
        ({**OF_SAMPLES, "stem_norm": None}, "`stem_norm` 'group' or 'layer'.*stem_norm=None"),
        ({**OF_SAMPLES, "num_mels": 40}, "`num_mels` only with stem='causal' or 'centered'"),
        ({"position_kernel": 3}, "`position_kernel` only with position='convolutional'"),
        ({"position": "convolutional", "position_groups": 3}, "`groups` to divide"),
        ({"max_vectors": 9}, "`max_vectors` only with position='learned'"),
        ({"first_position": 1}, "`first_position` only with position='sinusoidal'"),
        ({"position": "sinusoidal", "first_position": -1}, "`first_position`, expected a non-neg"),
        ({"att_context_style": "chunked"}, r"`att_context_style`, expected one of"),
        ({"att_context_size": (-1, 2)}, r"`att_context_size`, expected a pair"),
        ({"att_context_size": 8}, r"`att_context_size`, expected a pair"),
        ({"att_context_size": [(8, 2), 3]}, r"`att_context_size`, expected a pair"),
        ({"window": (8, 2)}, r"as `att_context_size=\(left, right\)`"),
        ({"causal": True}, r"as `att_context_size=\(left, right\)`"),
        ({"position": "learned"}, "`max_vectors`, a positive integer"),
        ({"position": "sincos_2d"}, "`position`, expected one of"),
        ({"num_mels": 200}, "use fewer bands"),
    ],
)
def test_what_makes_no_encoder_is_refused(overrides, message):
    with pytest.raises(ValueError, match=message):
        encoder(**overrides)


def test_a_configuration_survives_json(tmp_path):
    model = encoder(att_context_size=[(8, 2), (4, 1)])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert zoo.config_of(loaded) == zoo.config_of(model)
    waveform, _ = recordings(RATE)
    np.testing.assert_allclose(loaded({"waveform": waveform}), model({"waveform": waveform}))


@pytest.mark.parametrize(
    "overrides",
    [CENTERED, {**CENTERED, "position": "sinusoidal", "position_layout": "halves"}],
    ids=["relative", "sinusoidal"],
)
def test_a_centred_stem_makes_a_vector_of_each_rest_and_heeds_no_padding(overrides):
    model = encoder(**overrides)
    config = zoo.config_of(model)
    assert (config.steps_per_vector, config.steps_of_first_vector) == (VECTOR, VECTOR // 4)
    waveform, mask = recordings(9 * VECTOR, 5 * VECTOR + VECTOR // 4, VECTOR // 4, 9)
    logits = np.asarray(model({"waveform": waveform, "padding_mask": mask}))
    for row, samples, real, vectors in zip(logits, waveform, mask, (9, 6, 1, 0), strict=True):
        assert (row.argmax(-1)[vectors:] == 0).all()
        if vectors:
            alone = np.asarray(model({"waveform": samples[None, real]}))[0]
            np.testing.assert_allclose(row[: len(alone)], alone, atol=1e-5)
            assert len(alone) == vectors


@pytest.mark.parametrize("norm", ["layer", "group"])
def test_a_stem_of_samples_needs_its_first_vector_whole_and_heeds_no_padding(norm):
    position = {"position": "convolutional", "position_kernel": 4, "position_groups": 2}
    overrides = {**OF_SAMPLES, **position, "stem_norm": norm}
    model = encoder(**{**overrides, "feature_normalization": "utterance"})
    config = zoo.config_of(model)
    assert (config.steps_per_vector, config.steps_of_first_vector) == (VECTOR, VECTOR + 4)
    waveform, mask = recordings(9 * VECTOR + 4, 5 * VECTOR + 3, VECTOR + 4, VECTOR)
    logits = np.asarray(model({"waveform": waveform, "padding_mask": mask}))
    for row, samples, real, vectors in zip(logits, waveform, mask, (9, 4, 1, 0), strict=True):
        assert (row.argmax(-1)[vectors:] == 0).all()
        if vectors:
            alone = np.asarray(model({"waveform": samples[None, real]}))[0]
            np.testing.assert_allclose(row[:vectors], alone, atol=1e-5)


def test_no_more_vectors_are_taken_than_there_are_positions():
    model = encoder(position="learned", max_vectors=9)
    assert model({"waveform": recordings(9 * VECTOR)[0]}).shape[1] == 9
    with pytest.raises(ValueError, match="max_length=9"):
        model({"waveform": recordings(10 * VECTOR)[0]})


@pytest.mark.parametrize("samples", [0, 159, 160, 639])
def test_a_recording_too_short_for_a_vector_is_refused(samples):
    model = zoo.build("speech_encoder/tiny")  # Four frames of 160 samples a vector.
    with pytest.raises(ValueError, match=r"at least, which make a (frame|vector); put zeros"):
        model({"waveform": np.zeros((1, samples), "float32")})
    assert model({"waveform": np.zeros((1, 640), "float32")}).shape == (1, 1, 29)
