"""Speech encoders learn transcripts and labels; what cannot be learned is said before."""

import keras
import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.training.audio_augmentation import AudioAugmentation
from attnzoo.training.sample_store import SampleStore
from attnzoo.training.speech_examples import SpeechExamples, needed_vectors
from attnzoo.training.subwords import learn_subwords
from attnzoo.training.tasks import get_training_task
from attnzoo.zoo.audio_preprocessor import AudioPreprocessor
from attnzoo.zoo.symbols import BLANK, SPACE, text_of

from ..layer_test_case import randomize_weights
from ..zoo.recordings import wav
from .speech_files import WORDS, keyword_files, spoken, write_files, write_manifest

TASK = get_training_task("speech_recognition")
SMALL = {
    "hidden_dim": 32,
    "num_layers": 1,
    "num_heads": 2,
    "intermediate_dim": 48,
    "num_mels": 20,
    "frequency_mask_width": 2,
    "subsampling": 2,
    "convolution_kernel": None,
}
RECIPE = training.get_recipe(
    "demo", "speech_recognition", epochs=3, batch_size=8, splicing=0.5, noise=0.5
)


def load(spec, **options):
    return training.load_data(spec, "speech_recognition", verbose=False, **options)


def prepare(data, **overrides):
    keras.utils.set_random_seed(0)
    return training.prepare("speech_encoder/tiny", data, **{**SMALL, **overrides})


@pytest.fixture(scope="module")
def transcripts(tmp_path_factory):
    return load(write_manifest(tmp_path_factory.mktemp("spoken"), rows=48))


@pytest.fixture(scope="module")
def keywords(tmp_path_factory):
    return load(write_files(tmp_path_factory.mktemp("keywords"), keyword_files(rows=16)))


# === What is learned of the data ===


def test_transcripts_make_a_model_of_ctc(transcripts):
    pipeline = prepare(transcripts)
    config = pipeline.config
    assert (config.head, config.feature_normalization) == ("ctc", "global")
    assert pipeline.labels == [BLANK, *sorted(set("GOSTPN")), SPACE]
    assert config.num_classes == len(pipeline.labels)


def test_labels_make_a_model_of_classes(keywords):
    config = prepare(keywords).config
    assert (config.head, config.feature_normalization) == ("class", "utterance")
    assert config.num_classes == 2
    chosen = prepare(keywords, feature_normalization="global").config
    assert chosen.feature_normalization == "global"
    chosen = prepare(keywords, feature_normalization="utterance", dynamic_range=50.0).config
    assert chosen.dynamic_range == 50.0


def test_the_rate_is_that_of_the_data_and_bands_with_it(transcripts):
    config = prepare(transcripts).config
    assert (config.sampling_rate, config.num_mels, config.frequency_mask_width) == (8000, 10, 1)
    config = prepare(transcripts, sampling_rate=4000).config
    assert (config.sampling_rate, config.num_mels) == (4000, 20)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"head": "class"}, "`head='ctc'` for transcripts"),
        ({"head": "frames"}, "head='frames'"),
        ({"input": "features"}, "input='features'"),
    ],
)
def test_a_head_for_other_data_is_refused(transcripts, overrides, message):
    with pytest.raises(training.DataError, match=message):
        prepare(transcripts, **overrides)


def test_bands_have_mean_zero_and_deviation_one_over_the_training_data(transcripts):
    pipeline = prepare(transcripts)
    normalised = keras.Model(
        pipeline.model.inputs, pipeline.model.get_layer("feature_normalization").output
    )
    frames = []
    for recording in transcripts.train.inputs():
        (encoded,) = pipeline.preprocessor.encode([recording])
        rows = np.asarray(normalised.predict_on_batch(pipeline.preprocessor.collate([encoded])))[0]
        frames.append(rows[: len(encoded.steps) // 80])
    frames = np.concatenate(frames)
    np.testing.assert_allclose(frames.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(frames.std(axis=0), 1, atol=1e-3)


# === Pieces of words ===


def test_pieces_of_words_spell_all_transcripts(transcripts):
    pipeline = prepare(transcripts, subwords=12)
    assert pipeline.labels[0] == BLANK
    assert "▁GO" in pipeline.labels
    split = TASK.targets(transcripts.train, pipeline.labels)
    texts = [text_of(row) for row in split.row_labels()]
    assert texts == [text_of(row) for row in transcripts.train.row_labels()]
    assert sum(map(len, split.labels)) < sum(map(len, transcripts.train.labels))


def test_fewer_pieces_than_characters_are_refused(transcripts, keywords):
    with pytest.raises(ValueError, match="number of characters, 4"):
        learn_subwords(["GO ON"], 3, "GON")
    with pytest.raises(training.DataError, match="`subwords` only with transcripts"):
        prepare(keywords, subwords=30)


# === Batches ===


def examples(clips, labels, splicing=0.0, separator=(), **augmentation):
    preprocessor = AudioPreprocessor(8000, 80, 2)
    store = SampleStore(clips, "float32")
    return SpeechExamples(
        store, labels, preprocessor, AudioAugmentation(**augmentation), splicing, separator
    )


def clips_and_labels(count=6):
    generator = np.random.default_rng(0)
    clips = [generator.normal(size=900 + 100 * i).astype("float32") for i in range(count)]
    return clips, [np.array([1, i % 3 + 1], "int32") for i in range(count)]


def test_a_batch_pads_recordings_and_classes():
    clips, labels = clips_and_labels(3)
    labels[1] = np.array([2, 1, 3], "int32")
    inputs, targets = examples(clips, labels).batch(np.array([2, 1]), np.random.default_rng(0))
    assert targets.tolist() == [[1, 3, 0], [2, 1, 3]]
    assert inputs["waveform"].shape == (2, 1120)  # Whole vectors of 160 samples.
    for row, clip, mask in zip(
        inputs["waveform"], (clips[2], clips[1]), inputs["padding_mask"], strict=True
    ):
        np.testing.assert_array_equal(row[mask], clip)


def test_two_recordings_that_are_joined_have_both_transcripts():
    clips, labels = clips_and_labels(5)
    # Each class says which recording it is of.
    labels = [np.array([10 + i, 20 + i], "int32") for i in range(5)]
    batch = examples(clips, labels, splicing=0.999, separator=[7]).batch
    inputs, targets = batch(np.arange(5), np.random.default_rng(0))
    assert targets.shape == (3, 5)
    seen = []
    for row, mask, target in zip(inputs["waveform"], inputs["padding_mask"], targets, strict=True):
        classes = target[target > 0].tolist()
        parts = [classes[:2], classes[3:]] if len(classes) == 5 else [classes]
        assert len(classes) == 2 or classes[2] == 7
        expected = np.concatenate([clips[part[0] - 10] for part in parts])
        np.testing.assert_array_equal(row[mask], expected)
        seen += [part[0] - 10 for part in parts]
    assert sorted(seen) == list(range(5))


def test_what_has_no_room_for_a_space_is_not_joined():
    clips = [np.ones(320, "float32")] * 2  # Two vectors for two classes each.
    labels = [np.array([1, 2], "int32")] * 2
    batch = examples(clips, labels, splicing=0.999, separator=[3]).batch
    assert batch(np.arange(2), np.random.default_rng(0))[1].shape == (2, 2)


def test_no_speed_makes_a_transcript_infeasible():
    clips = [np.ones(160 * 4, "float32")]
    batch = examples(clips, [np.array([1, 1, 2], "int32")], speed=0.5).batch
    for seed in range(30):
        inputs, _ = batch(np.arange(1), np.random.default_rng(seed))
        assert inputs["padding_mask"].sum() // 160 >= 4


@pytest.mark.parametrize(
    ("classes", "needed"), [([], 0), ([1], 1), ([1, 2], 2), ([1, 1], 3), ([1, 1, 1, 2, 2], 8)]
)
def test_a_blank_must_stand_between_two_of_a_kind(classes, needed):
    assert needed_vectors([np.array(classes, "int32")]).tolist() == [needed]


def test_a_transcript_too_long_for_its_recording_is_named_or_skipped(tmp_path, capsys):
    path = write_manifest(tmp_path)
    write_files(tmp_path, {"clips/5.wav": wav(spoken("", seconds=0.01), 8000)})
    data = load(path, validation_split=0.05)
    pipeline = prepare(data)
    with pytest.raises(training.DataError, match=r"1 recordings.*5\.wav .*\(5 needed, 2 there\)"):
        pipeline.make_batches(data.train)
    batches = pipeline.make_batches(data.train, skip_infeasible=True)
    assert len(batches.examples) == len(data.train) - 1 == len(batches.examples.labels)
    assert "1 recordings left out that are too short" in capsys.readouterr().out
    with pytest.raises(training.DataError, match="skip_infeasible=true"):
        training.fit(pipeline, data, RECIPE, verbose=0)


# === Training ===


def test_a_model_of_ctc_learns_to_spell(transcripts, tmp_path):
    recipe = RECIPE.replace(epochs=30, learning_rate=1e-2, splicing=0.0, noise=0.0)
    history = training.fit(prepare(transcripts), transcripts, recipe, tmp_path, verbose=0)
    rows = history.rows
    assert rows[-1]["val_loss"] < 0.4 * rows[0]["val_loss"]
    assert {"val_wer", "val_cer"} <= set(rows[0])
    assert history.best["val_wer"] == min(row["val_wer"] for row in rows) < 0.7
    assert history.monitor == "val_wer"
    loaded = zoo.load(tmp_path)
    evaluation = training.evaluate(loaded, transcripts.validation)
    assert evaluation.wer == pytest.approx(history.best["val_wer"])
    assert training.evaluate(loaded, transcripts.train).wer < 0.85
    answers = loaded(list(transcripts.train.inputs())[:6])
    for answer, recording in zip(answers, transcripts.train.inputs(), strict=False):
        assert answer.text == " ".join(word.word for word in answer.words)
        ends = [time for word in answer.words for time in (word.start, word.end)]
        assert ends == sorted(ends)
        assert all(0 <= time <= len(recording.samples(8000)) / 8000 for time in ends)
    assert (tmp_path / "learning_curve.png").stat().st_size > 1000


def test_a_model_of_labels_learns_them(keywords):
    recipe = training.get_recipe("scratch", "speech_recognition", keywords, epochs=15)
    assert recipe == TASK.recipes["keywords"].replace(epochs=15)
    recipe = recipe.replace(learning_rate=5e-3, batch_size=8, ema_momentum=0.5)
    history = training.fit(prepare(keywords), keywords, recipe, verbose=0)
    assert history.best["val_accuracy"] == 1.0
    answers = history.pipeline(list(keywords.validation.inputs()))
    names = [keywords.label_names[i] for i in keywords.validation.labels]
    assert [answer.label for answer in answers] == names


@pytest.mark.parametrize("subwords", [0, 12])
def test_every_kind_of_symbol_trains_with_all_augmentation(transcripts, subwords):
    history = training.fit(prepare(transcripts, subwords=subwords), transcripts, RECIPE, verbose=0)
    assert all(np.isfinite(value) for row in history.rows for value in row.values())


def test_an_interrupted_training_goes_on_as_if_it_had_never_stopped(transcripts, tmp_path):
    class Stop(Exception):
        pass

    whole = training.fit(prepare(transcripts, subwords=12), transcripts, RECIPE, verbose=0)
    pipeline = prepare(transcripts, subwords=12)
    original = TASK.callbacks

    class StopAfter(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Stop

    TASK.callbacks = lambda *arguments: [*original(*arguments), StopAfter()]
    try:
        with pytest.raises(Stop):
            training.fit(pipeline, transcripts, RECIPE, tmp_path, verbose=0)
    finally:
        del TASK.callbacks
    resumed = training.fit(None, transcripts, RECIPE, tmp_path, resume=True, verbose=0)
    assert resumed.rows == whole.rows
    for weight, expected in zip(
        resumed.pipeline.model.weights, whole.pipeline.model.weights, strict=True
    ):
        np.testing.assert_array_equal(weight, expected, err_msg=weight.path)


def test_a_trained_model_keeps_its_pieces_where_they_spell_the_data(
    transcripts, keywords, tmp_path
):
    path = write_manifest(tmp_path)
    trained = prepare(transcripts, subwords=12)
    same = training.prepare(trained, transcripts)
    assert same.labels == trained.labels
    np.testing.assert_array_equal(same.model.weights[-1], trained.model.weights[-1])
    assert same.make_batches(transcripts.train).examples.labels[0].max() < 12 + 1
    path.write_text(path.read_text().replace("STOP", "HALT"))
    other = load(path)
    assert training.prepare(trained, other).labels == other.label_names


def test_a_model_of_transcripts_goes_on_with_labels_and_back(transcripts, keywords):
    trained = prepare(transcripts)
    randomize_weights(trained.model)
    goes_on = training.prepare(trained, keywords)
    assert goes_on.config == trained.config.replace(
        head="class", num_classes=len(keywords.label_names)
    )
    for layer in trained.model.layers:
        if not layer.weights or layer.name == "logits":
            continue
        kept = goes_on.model.get_layer(layer.name).weights
        for weight, expected in zip(kept, layer.weights, strict=True):
            np.testing.assert_array_equal(weight, expected, err_msg=weight.path)
    (prediction,) = goes_on([next(keywords.train.inputs())])
    assert prediction.label in keywords.label_names
    assert training.prepare(goes_on, transcripts).config == trained.config


@pytest.mark.parametrize("recipe", ["finetune", "lora", "head"])
def test_recipes_of_pretrained_encoders_leave_the_features_as_they_are(
    recipe, transcripts, keywords
):
    trained = prepare(transcripts)
    pipeline = training.prepare(trained, keywords)
    before = {weight.path: np.array(weight) for weight in pipeline.model.weights}
    recipe = training.get_recipe(recipe, "speech_recognition", keywords, epochs=1)
    training.fit(pipeline, keywords, recipe, verbose=0)
    learned = {
        layer.name
        for layer in pipeline.model.layers
        if any((np.array(weight) != before[weight.path]).any() for weight in layer.weights)
    }
    of_encoder = {"encoder_block_0", "final_norm"} if recipe.freeze == "embeddings" else set()
    assert learned == {"logits"} | ({"encoder_block_0"} if recipe.lora_rank else of_encoder)


def test_epochs_are_chosen_by_the_fewest_errors(tmp_path):
    from attnzoo.training.callbacks import EpochRecord

    rows = [{"epoch": i, "val_wer": v} for i, v in enumerate([0.9, 0.4, float("nan"), 0.6])]
    assert EpochRecord(tmp_path, rows, "val_wer", 5).best_epoch == 1


# === Evaluation ===


def test_errors_are_counted_over_all_words():
    errors = training.count_errors(
        ["GO ON NOW", "STOP", "GO"],  # One of each: ON for IN, a lost NOW, a second STOP.
        ["GO IN", "STOP STOP", "GO"],
    )
    assert (errors.substitutions, errors.deletions, errors.insertions) == (1, 1, 1)
    assert (errors.words, errors.rows) == (5, 3)
    assert errors.wer == pytest.approx(3 / 5)
    assert errors.sentence_errors == pytest.approx(2 / 3)
    assert errors.cer == pytest.approx((1 + 4 + 5) / (9 + 4 + 2))


def test_nothing_heard_is_all_words_deleted():
    errors = training.count_errors(list(WORDS), [""] * 3)
    assert (errors.wer, errors.cer, errors.deletions) == (1.0, 1.0, 4)


def test_transcripts_have_no_weights_of_classes(transcripts):
    recipe = RECIPE.replace(class_weight="balanced")
    with pytest.raises(ValueError, match="no `class_weight` with transcripts"):
        training.fit(prepare(transcripts), transcripts, recipe, verbose=0)
