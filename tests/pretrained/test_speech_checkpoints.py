"""Checkpoints of speech encoders: heads, what is refused, exported (no transformers needed)."""

import json

import numpy as np
import pytest

from attnzoo import export, training, zoo
from attnzoo.zoo.pretrained import Checkpoint, save_checkpoint
from attnzoo.zoo.tasks import get_task

from ..layer_test_case import randomize_weights
from ..training.speech_files import write_manifest
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
WAV2VEC2 = {
    **COMMON,
    "att_context_size": None,
    "embedding_norm": True,
    "feature_normalization": "utterance",
    "normalize_first": False,
    "num_mels": 80,
    "position": "convolutional",
    "position_groups": 4,
    "position_kernel": 6,
    "stem": "waveform",
    "stem_channels": (4, 5, 6),
    "stem_kernels": (10, 3, 2),
    "stem_norm": "group",
    "stem_strides": (5, 2, 2),
}
FAMILIES = {"speech_to_text": SPEECH_TO_TEXT, "whisper": WHISPER, "wav2vec2": WAV2VEC2}
SYMBOLS = ["<blank>", "a", "▁", "b", "é"]


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
    if config.input == "waveform":
        return [(0.1 * rng.normal(size=n).astype("float32"), config.sampling_rate) for n in steps]
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


# === Symbols of CTC ===


@pytest.fixture
def spoken(tmp_path):
    """A folder with the head of CTC, and the pipeline that it is of."""
    pipeline = speech_pipeline(WAV2VEC2, SYMBOLS, num_classes=5)
    assert save_checkpoint(pipeline, tmp_path / "spoken") == "wav2vec2"
    return tmp_path / "spoken", pipeline


def test_symbols_and_texts_come_along(spoken):
    folder, pipeline = spoken
    vocabulary = json.loads((folder / "vocab.json").read_text("utf-8"))
    assert vocabulary == {"<pad>": 0, "a": 1, "|": 2, "b": 3, "é": 4}
    read = zoo.load(folder)
    assert read.labels == SYMBOLS
    clips = recordings(pipeline, 30, 12)
    for logits, reference in zip(read.logits(clips), pipeline.logits(clips), strict=True):
        np.testing.assert_allclose(logits, reference, atol=1e-5)
    assert [t.text for t in read(clips)] == [t.text for t in pipeline(clips)]


@pytest.mark.slow
def test_a_model_with_symbols_is_exported_to_both_formats(spoken, tmp_path):
    assert export.to_artefact(zoo.load(spoken[0]), tmp_path / "dist").passed


def test_a_blank_in_another_place_becomes_our_first_class(spoken):
    folder, pipeline = spoken
    moved = {"a": 0, "|": 1, "b": 2, "<pad>": 3, "é": 4}
    (folder / "vocab.json").write_text(json.dumps(moved), "utf-8")
    order = [1, 2, 3, 0, 4]
    change_settings(folder, pad_token_id=3)
    change_tensors(
        folder, lambda t: {k: v[order] if k.startswith("lm_head") else v for k, v in t.items()}
    )
    read = zoo.load(folder)
    assert read.labels == SYMBOLS
    clips = recordings(pipeline, 9)
    np.testing.assert_allclose(read.logits(clips)[0], pipeline.logits(clips)[0], atol=1e-5)


def test_it_is_fine_tuned_on_recordings_with_transcripts(spoken, tmp_path):
    data = training.load_data(
        write_manifest(tmp_path, rows=16), "speech_recognition", verbose=False
    )
    pipeline = training.prepare(zoo.load(spoken[0]), data)
    before = {weight.path: np.array(weight) for weight in pipeline.model.weights}
    recipe = training.get_recipe(None, data.task, data, True, epochs=1, batch_size=4)
    training.fit(pipeline, data, recipe, verbose=0)
    assert recipe.freeze == "embeddings"
    learned = {
        weight.path.split("/")[0]
        for weight in pipeline.model.weights
        if (np.array(weight) != before[weight.path]).any()
    }
    assert learned == {"encoder_block_0", "logits"}
    assert set(pipeline(list(data.validation.inputs()))[0].text) <= set(
        "".join(pipeline.labels[1:]) + " "
    )


def test_a_head_goes_or_is_replaced_and_that_is_said(spoken):
    folder, _ = spoken
    backbone = zoo.build("speech_encoder", weights=folder, num_classes=0)
    assert backbone.output.shape[-1] == 16
    with pytest.warns(UserWarning, match="its head of 5 classes is replaced; a new one of 3"):
        zoo.build("speech_encoder", weights=folder, num_classes=3)
    with pytest.warns(UserWarning, match="its head of 5 classes is replaced; a new one of 5"):
        model = zoo.build("speech_encoder", weights=folder, head="class")
    assert model.output.shape == (None, 5)


def test_without_a_vocabulary_symbols_are_numbers(spoken):
    folder, _ = spoken
    (folder / "vocab.json").unlink()
    assert zoo.load(folder).labels == ["<blank>", "<1>", "<2>", "<3>", "<4>"]


def test_added_symbols_are_read_and_those_beyond_the_head_are_not(spoken):
    folder, _ = spoken
    (folder / "vocab.json").write_text(json.dumps({"<pad>": 0, "a": 1, "|": 2, "b": 3}), "utf-8")
    (folder / "added_tokens.json").write_text(json.dumps({"<s>": 4, "</s>": 5}), "utf-8")
    assert zoo.load(folder).labels == ["<blank>", "a", "▁", "b", "<s>"]


WRONG_SYMBOLS = {
    "more than the head has": ({"<pad>": 0, "a": 1, "b": 9}, {}, r"as the 5 classes.*\[9\]"),
    "of several languages": ({"eng": {"a": 1}}, {}, "as the 5 classes"),
    "two of one number": ({"<pad>": 0, "a": 1, "b": 1}, {}, r"numbers of their own.*\[0, 1, 1\]"),
    "no dict": (["a"], {}, "a JSON dict"),
    "two of one name": ({"<pad>": 0, "<2>": 1}, {}, "each symbol .* once"),
    "a blank that there is not": ({"<pad>": 0}, {"pad_token_id": 7}, "pad_token_id=7"),
    "another number of classes": ({"<pad>": 0}, {"vocab_size": 6}, "a head of 5 classes"),
}


@pytest.mark.parametrize("wrong", WRONG_SYMBOLS)
def test_symbols_that_are_none_are_refused(spoken, wrong):
    vocabulary, settings, message = WRONG_SYMBOLS[wrong]
    folder, _ = spoken
    (folder / "vocab.json").write_text(json.dumps(vocabulary), "utf-8")
    change_settings(folder, **settings)
    with pytest.raises(ValueError, match=message):
        zoo.load(folder)


@pytest.mark.parametrize("labels", [["<blank>", "▁a", "b"], ["<blank>", "|", "▁"]], ids=str)
def test_symbols_that_the_tokenizer_there_has_not_are_not_written(tmp_path, labels):
    pipeline = speech_pipeline(WAV2VEC2, labels, num_classes=3)
    with pytest.raises(ValueError, match="symbols that transformers' tokenizer of CTC has"):
        save_checkpoint(pipeline, tmp_path / "spoken")
    assert not (tmp_path / "spoken").exists()


def test_sound_that_is_not_scaled_is_not_scaled(tmp_path):
    folder = tmp_path / "wav2vec2"
    save_checkpoint(speech_pipeline(WAV2VEC2, feature_normalization=None), folder)
    path = folder / "preprocessor_config.json"
    settings = json.loads(path.read_text("utf-8"))
    assert settings["do_normalize"] is False
    assert zoo.load(folder).config.feature_normalization is None
    path.write_text(json.dumps({**settings, "feature_size": 2}), "utf-8")
    with pytest.raises(ValueError, match="feature_size=2, expected 1"):
        zoo.load(folder)


def test_the_older_names_of_a_normalised_kernel_are_read(tmp_path):
    folder = tmp_path / "wav2vec2"
    pipeline = speech_pipeline(WAV2VEC2)
    save_checkpoint(pipeline, folder)
    new, old = "parametrizations.weight.original", {"0": "weight_g", "1": "weight_v"}

    def renamed(name):
        return name[: -len(new) - 1] + old[name[-1]] if new in name else name

    change_tensors(folder, lambda tensors: {renamed(k): v for k, v in tensors.items()})
    clips = recordings(pipeline, 9)
    np.testing.assert_allclose(
        zoo.load(folder).embed(clips)[0], pipeline.embed(clips)[0], atol=1e-5
    )


WRONG_WAV2VEC2 = {
    "an adapter": ({"add_adapter": True}, r"add_adapter=True \(expected False\)"),
    "adapters of languages": ({"adapter_attn_dim": 16}, "adapter_attn_dim=16"),
    "another normalisation": ({"feat_extract_norm": "batch"}, "feat_extract_norm='batch'"),
    "another activation": ({"feat_extract_activation": "relu"}, "feat_extract_activation='relu'"),
    "an unknown key": ({"conv_pos_batch_norm": True}, "conv_pos_batch_norm=True"),
    "another number of strides": ({"conv_stride": [5, 2]}, r"stem_strides=\(5, 2\)"),
}


@pytest.mark.parametrize("wrong", WRONG_WAV2VEC2)
def test_another_wav2vec2_is_refused(tmp_path, wrong):
    folder = tmp_path / "wav2vec2"
    save_checkpoint(speech_pipeline(WAV2VEC2), folder)
    changes, message = WRONG_WAV2VEC2[wrong]
    change_settings(folder, **changes)
    with pytest.raises(ValueError, match=message):
        zoo.build("speech_encoder", weights=folder)
