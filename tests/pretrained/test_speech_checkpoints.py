"""Checkpoints of speech encoders: heads, what is refused, exported (no transformers needed)."""

import json

import numpy as np
import pytest

from attnzoo import export, zoo
from attnzoo.zoo.pretrained import Checkpoint, save_checkpoint
from attnzoo.zoo.tasks import get_task

from ..layer_test_case import randomize_weights
from .small_checkpoints import change_settings, change_tensors

SIZES = {"hidden_dim": 16, "intermediate_dim": 24, "num_layers": 1, "num_heads": 2}
COMMON = {
    **SIZES,
    "convolution_kernel": None,
    "frequency_masks": 0,
    "layer_norm_epsilon": 1e-5,
    "num_classes": 0,
    "time_masks": 0,
}
OF_FEATURES = {
    **COMMON,
    "att_context_size": None,
    "feature_normalization": None,
    "input": "features",
    "num_mels": 5,
    "stem": "centered",
}
SPEECH_TO_TEXT = {
    **OF_FEATURES,
    "feed_forward": "relu",
    "first_position": 2,
    "position": "sinusoidal",
    "position_layout": "halves",
    "scale_embedding": True,
    "stem_activation": "glu",
    "stem_channels": (4, 16),
    "stem_kernels": (5, 5),
    "stem_strides": (2, 2),
}
WHISPER = {
    **OF_FEATURES,
    "max_vectors": 100,
    "position": "learned",
    "stem_channels": (16, 16),
    "stem_kernels": (3, 3),
    "stem_strides": (1, 2),
}
FAMILIES = {"speech_to_text": SPEECH_TO_TEXT, "whisper": WHISPER}


def speech_pipeline(fields, labels=(), **overrides):
    """A pipeline whose model is of a family's shape, its weights at random."""
    model = zoo.build("speech_encoder/tiny", **{**fields, **overrides})
    randomize_weights(model)
    task = get_task("speech_recognition")
    preprocessor = task.load_preprocessor(None, zoo.config_of(model))
    return zoo.Pipeline(model, preprocessor, labels)


def forget_key_biases(model):
    """Makes zeros of what Whisper does not have, and what changes nothing."""
    for weight in model.weights:
        if weight.path.endswith("key/bias"):
            weight.assign(np.zeros(weight.shape))


def recordings(pipeline, *vectors):
    """Noise that makes so many vectors each."""
    config, rng = pipeline.config, np.random.default_rng(0)
    steps = [config.steps_of_first_vector + (n - 1) * config.steps_per_vector for n in vectors]
    return [rng.normal(size=(n, config.num_mels)).astype("float32") for n in steps]


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def folder(tmp_path, family):
    return tmp_path / family


@pytest.fixture
def written(folder, family):
    pipeline = speech_pipeline(FAMILIES[family])
    if family == "whisper":
        forget_key_biases(pipeline.model)
    assert save_checkpoint(pipeline, folder) == family
    return pipeline


def test_what_was_written_is_read_and_says_the_same(folder, written):
    read = zoo.load(folder)
    assert read.config == written.config.replace(
        **{name: getattr(read.config, name) for name in read.config.free_fields}
    )
    clips = recordings(written, 5, 2, 1)
    for vectors, reference in zip(read.embed(clips), written.embed(clips), strict=True):
        np.testing.assert_allclose(vectors, reference, atol=1e-6)
    assert [len(vectors) for vectors in read.embed(clips)] == [5, 2, 1]


def test_a_recording_is_answered_alone_as_among_others(folder, written):
    pipeline = zoo.load(folder)
    clips = recordings(pipeline, 5, 2, 7, 1)
    for clip, vectors in zip(clips, pipeline.embed(clips), strict=True):
        np.testing.assert_allclose(pipeline.embed([clip])[0], vectors, atol=1e-5)


@pytest.mark.slow
def test_it_is_exported_to_both_formats(folder, written, tmp_path):
    assert export.to_artefact(zoo.load(folder), tmp_path / "dist").passed


def test_a_saved_pipeline_answers_as_before(folder, written, tmp_path):
    read = zoo.load(folder)
    read.save(tmp_path / "saved")
    clips = recordings(written, 3)
    again = zoo.load(tmp_path / "saved").embed(clips)
    np.testing.assert_array_equal(again[0], read.embed(clips)[0])


@pytest.mark.parametrize("head", ["ctc", "class", "frames"])
def test_a_new_head_is_random_and_said_to_be(folder, written, head):
    with pytest.warns(UserWarning, match=r"a new one of 4 classes is random .*logits/kernel"):
        model = zoo.build("speech_encoder", weights=folder, num_classes=4, head=head)
    assert zoo.config_of(model).head == head
    block = model.get_layer("encoder_block_0").get_weights()
    for weight, reference in zip(
        block, written.model.get_layer("encoder_block_0").get_weights(), strict=True
    ):
        np.testing.assert_allclose(weight, reference, atol=1e-6)


def test_the_rate_of_the_sound_comes_along(folder, written):
    path = folder / "preprocessor_config.json"
    settings = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**settings, "sampling_rate": 8000}), "utf-8")
    assert zoo.load(folder).config.sampling_rate == 8000
    path.write_text(json.dumps({**settings, "sampling_rate": "fast"}), "utf-8")
    with pytest.raises(ValueError, match="what sound is like: sampling_rate='fast'"):
        zoo.load(folder)
    path.unlink()
    assert zoo.load(folder).config.sampling_rate == 16000


CANNOT_BE_WRITTEN = {
    "a window": ({"att_context_size": (4, 2)}, r"att_context_size=\(4, 2\)"),
    "one label a recording": ({"head": "class"}, "head='class'"),
    "its own convolutions": ({"convolution_kernel": 3}, "convolution_kernel=3"),
}


@pytest.mark.parametrize("what", CANNOT_BE_WRITTEN)
def test_what_transformers_does_not_have_is_not_written(family, folder, what):
    overrides, message = CANNOT_BE_WRITTEN[what]
    with pytest.raises(ValueError, match=f"is no {family} by .*{message}"):
        save_checkpoint(speech_pipeline(FAMILIES[family], **overrides), folder)
    assert not folder.exists()


def test_a_head_that_transformers_has_not_is_not_written(tmp_path):
    pipeline = speech_pipeline(SPEECH_TO_TEXT, ["<blank>", "a"], num_classes=2)
    with pytest.raises(ValueError, match=r"no speech_to_text by num_classes=2 .*a decoder there"):
        save_checkpoint(pipeline, tmp_path / "speech_to_text")


def test_a_stream_is_refused_by_name(folder, written):
    model = zoo.build("speech_encoder", weights=folder, att_context_size=(8, 3))
    with pytest.raises(ValueError, match="Expected the stem 'causal'"):
        zoo.StreamingEncoder(model, 4)


WRONG = {
    "another activation": ({"activation_function": "silu"}, "activation_function='silu'"),
    "channels": ({"input_channels": 2}, r"input_channels=2 \(expected 1\)"),
    "an unknown key": ({"encoder_conv_type": "2d"}, "encoder_conv_type='2d'"),
    "another number of convolutions": ({"num_conv_layers": 3}, "num_conv_layers=3"),
    "an even kernel": ({"conv_kernel_sizes": [4, 4]}, "expected odd integers"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_configuration_that_is_not_understood_is_refused(tmp_path, wrong):
    folder = tmp_path / "speech_to_text"
    save_checkpoint(speech_pipeline(SPEECH_TO_TEXT), folder)
    changes, message = WRONG[wrong]
    change_settings(folder, **changes)
    with pytest.raises(ValueError, match=message):
        zoo.build("speech_encoder", weights=folder)


def test_nothing_is_loaded_by_half(folder, written):
    change_tensors(folder, lambda tensors: {**tensors, "layers.9.fc1.bias": np.zeros(3, "float32")})
    with pytest.raises(ValueError, match=r"does not have: layers\.9\.fc1\.bias"):
        Checkpoint(folder).build()


def test_another_architecture_is_refused(folder, written, family):
    with pytest.raises(ValueError, match=rf"among \['speech_encoder'\] for a '{family}'"):
        zoo.build("sentiment_classifier", weights=folder)


def test_a_bias_of_keys_that_was_trained_changes_nothing_that_is_written(tmp_path):
    pipeline = speech_pipeline(WHISPER)
    save_checkpoint(pipeline, tmp_path / "whisper")
    clips = recordings(pipeline, 5, 2)
    for vectors, reference in zip(
        zoo.load(tmp_path / "whisper").embed(clips), pipeline.embed(clips), strict=True
    ):
        np.testing.assert_allclose(vectors, reference, atol=1e-5)


def test_more_vectors_than_whisper_has_positions_for_are_refused(tmp_path):
    save_checkpoint(speech_pipeline(WHISPER), tmp_path / "whisper")
    pipeline = zoo.load(tmp_path / "whisper")
    assert pipeline.config.longest_input == 200
    with pytest.raises(ValueError, match="max_length=100"):
        pipeline.model({"features": np.zeros((1, 203, 5), "float32")})
