"""Training of speech encoders: transcripts by CTC, or one label for each recording."""

import itertools
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np

from ...zoo.audio_preprocessor import AudioPreprocessor
from ...zoo.symbols import BLANK, SPACE, SymbolEncoder, is_ctc, text_of
from ..audio_augmentation import AudioAugmentation
from ..callbacks import TranscriptErrors
from ..held_out import random_selection, stratified_selection
from ..losses import CTCLoss
from ..recipe import SpeechRecipe
from ..sample_store import SampleStore
from ..sources import AUDIO_SUFFIXES, DataError, open_speech
from ..speech_examples import SpeechExamples, needed_vectors
from ..subwords import learn_subwords
from .interface import FINETUNING, HEAD, LORA, Training

# Recordings whose sampling rate is looked at, and whose mels give the mean of each band.
_RATES_LOOKED_AT = 50
_RECORDINGS_MEASURED = 400
_MOST_INFEASIBLE_NAMED = 5
# In decibels. Rooms and microphones differ in what lies below it.
_DYNAMIC_RANGE = 30.0

# Of a pretrained encoder, for transcripts and for labels.
_AS_IT_IS = {"monitor": "val_loss", "splicing": 0.0}


class SpeechRecognitionTraining(Training):
    """A transcript for each recording, or one label."""

    name = "speech_recognition"
    options = ("subwords", "feature_normalization")
    source_options = ("text_column", "label_column", "speaker", "download", "skip_corrupt")
    held_out_of = "labels"
    how_held_out = "at random"
    recipes: ClassVar = {
        "scratch": SpeechRecipe(),
        # One label for each recording, of a second or so, in any room: nearly each gets noise, and
        # a pause around it.
        "keywords": SpeechRecipe(
            epochs=40,
            batch_size=32,
            learning_rate=2e-3,
            label_smoothing=0.1,
            ema_momentum=0.99,
            patience=40,
            monitor="val_accuracy",
            speed=0.15,
            shift=0.2,
            noise=0.95,
            splicing=0.0,
        ),
        "finetune": SpeechRecipe(**{**FINETUNING, "epochs": 20}, **_AS_IT_IS),
        "lora": SpeechRecipe(**{**LORA, "epochs": 20}, **_AS_IT_IS),
        "head": SpeechRecipe(**{**HEAD, "epochs": 20}, **_AS_IT_IS),
        # A hundred and fifty sentences of synthetic voices.
        "demo": SpeechRecipe(
            epochs=60,
            batch_size=8,
            learning_rate=5e-3,
            ema_momentum=0.95,
            patience=60,
            speed=0.15,
            equalizer=3.0,
            splicing=0.0,
        ),
    }

    # === Data ===

    def open_sources(self, spec, **options):
        """Returns rows by split and the lines that say how they are read, see `open_speech`."""
        return open_speech(spec, **options)

    def read_inputs(self, path, text_column=None):
        """Yields the paths of a folder's recordings, those on the lines of a file, or the path."""
        path = Path(path).expanduser()
        if path.is_dir():
            yield from (
                str(p) for p in sorted(path.iterdir()) if p.suffix.lower() in AUDIO_SUFFIXES
            )
            return
        if not path.is_file():
            raise DataError(
                "Expected a recording, a folder of recordings, or a file with the path of one on "
                f"each line, at {path}; there is none."
            )
        if path.suffix.lower() in AUDIO_SUFFIXES:
            yield str(path)
            return
        with open(path, encoding="utf-8") as file:
            yield from (line.rstrip("\r\n") for line in file)

    def reserved_labels(self, several):
        """Returns the blank, which comes before the symbols of transcripts."""
        return [BLANK] if several else []

    def label_names(self, labels):
        """Returns the characters that a model's symbols are made of."""
        if not is_ctc(labels) or max(map(len, labels[1:])) == 1:
            return labels
        return [BLANK, *sorted(set("".join(labels[1:])))]

    def held_out(self, labels, share, seed):
        """Chooses the rows to hold out for validation: by label where there is one."""
        if isinstance(labels, list):
            return random_selection(len(labels), share, seed)
        return stratified_selection(labels, share, seed)

    def recipe_name(self, name, data):
        """Returns `"keywords"` for `"scratch"` where each recording has one label."""
        return "keywords" if name == "scratch" and not _is_spoken(data) else name

    # === The model ===

    def learn(self, data, config, subwords=0, feature_normalization=None):
        """Looks at what the recordings have: transcripts or labels, and how many samples a second.

        Args:
            data: `Data`.
            config: The configuration that the model is to have.
            subwords: Number of pieces of words to spell transcripts with, see `learn_subwords`.
                Defaults to 0 (characters).
            feature_normalization: As in the configuration. Defaults to None: `"global"` for
                transcripts, `"utterance"` for labels.

        Returns:
            The preprocessor, and the fields of the configuration that follow from the data.

        Raises:
            DataError: If the head is not for such data, or the model does not take samples.
        """
        is_spoken = _is_spoken(data)
        if config.input != "waveform" or config.head == "frames":
            raise DataError(
                "Expected a model that takes samples and has the head for transcripts or for "
                "labels, `input='waveform'` and `head='ctc'` or `'class'`. "
                f"Received: input={config.input!r}, head={config.head!r}"
            )
        if is_spoken and config.head == "class":
            raise DataError(
                f"Expected `head='ctc'` for transcripts, which {data.spec} has. "
                f"Received: head={config.head!r}"
            )
        inputs = itertools.islice(data.train.inputs(), _RATES_LOOKED_AT)
        rate = min(config.sampling_rate, max(recording.own_rate for recording in inputs))
        scope = feature_normalization or ("global" if is_spoken else "utterance")
        fields = {
            "head": _head_for(data),
            "sampling_rate": rate,
            "feature_normalization": scope,
        }
        if scope == "utterance" and config.dynamic_range is None:
            fields["dynamic_range"] = _DYNAMIC_RANGE
        if rate < config.sampling_rate:  # Half the frequencies hold fewer bands.
            for name in ("num_mels", "frequency_mask_width"):
                fields[name] = -(-getattr(config, name) * rate // config.sampling_rate)
        return AudioPreprocessor.of_config(config.replace(**fields)), fields

    def labels(self, data, subwords=0, feature_normalization=None):
        """Returns the names of the classes: labels, characters, or pieces of words."""
        if not subwords:
            return data.label_names
        if not _is_spoken(data):
            raise DataError(f"Expected `subwords` only with transcripts. Received: {subwords}")
        texts = (text_of(row) for row in data.train.row_labels())
        return [BLANK, *learn_subwords(texts, subwords, data.label_names[1:])]

    def labels_after(self, pipeline, data):
        """Returns the pipeline's symbols if they spell the data's transcripts, else the data's."""
        is_spelled = is_ctc(pipeline.labels) and (
            set(data.label_names) <= set(self.label_names(pipeline.labels))
        )
        return pipeline.labels if _is_spoken(data) and is_spelled else data.label_names

    def fields_after(self, data):
        """Returns the head for transcripts or for labels, whichever the data have."""
        return {"head": _head_for(data)}

    def preprocessor(self, loaded, config):
        """Returns the preprocessor of a loaded pipeline, for the configuration that it now has."""
        return AudioPreprocessor.of_config(config)

    def initialise(self, model, preprocessor, data):
        """Gives the model the mean and the deviation of each mel band over training recordings."""
        normalization = model.get_layer("feature_normalization")
        if normalization.scope != "global":
            return
        log_mel = keras.Model(model.inputs, model.get_layer("log_mel").output)
        step = max(1, len(data.train) // _RECORDINGS_MEASURED)
        frames = []
        for recording in itertools.islice(data.train.inputs(), 0, None, step):
            batch = preprocessor.collate(preprocessor.encode([recording]))
            mels = np.asarray(log_mel.predict_on_batch(batch), "float64")[0]
            frames.append(mels[: int(batch["padding_mask"].sum()) // preprocessor.hop_length])
        frames = np.concatenate(frames)
        deviation = np.maximum(frames.std(axis=0), 1e-3)
        normalization.set_weights([frames.mean(axis=0), deviation])

    # === Batches ===

    def targets(self, split, labels):
        """Returns the split with the classes of the model's symbols in place of characters."""
        if not is_ctc(labels) or split.label_names == labels:
            return split
        encoder = SymbolEncoder(labels)
        classes = [encoder(text_of(row)) for row in split.row_labels()]
        return split.with_labels(classes, labels)

    def examples(self, preprocessor, split, splicing=0.0, skip_infeasible=False, **augmentation):
        """Decodes a split once.

        Args:
            preprocessor: `AudioPreprocessor`.
            split: A `Split` of `load_data`.
            splicing: See `SpeechExamples`. Defaults to 0.0.
            skip_infeasible: Whether recordings too short for their transcript are left out, rather
                than an error. Defaults to False.
            **augmentation: See `AudioAugmentation`; nothing by default.

        Returns:
            `SpeechExamples`.

        Raises:
            DataError: If a transcript has more symbols than its recording has vectors, so that CTC
                cannot write it; the message names the recordings.
        """
        labels, recordings = split.labels, split.inputs()
        if isinstance(labels, list):
            labels, recordings = _feasible(preprocessor, split, skip_infeasible)
        rate = preprocessor.sampling_rate
        store = SampleStore((recording.samples(rate) for recording in recordings), "float32")
        augmentation = AudioAugmentation(**augmentation)
        names = split.label_names
        has_pieces = any(len(name) > 1 and name[0] == SPACE for name in names)
        separator = [names.index(SPACE)] if SPACE in names and not has_pieces else []
        return SpeechExamples(store, labels, preprocessor, augmentation, splicing, separator)

    def augmentation(self, recipe):
        """Returns the arguments of `examples` that a recipe asks for in training."""
        names = ("speed", "shift", "gain", "equalizer", "noise", "splicing", "skip_infeasible")
        return {name: getattr(recipe, name) for name in names}

    def evaluation(self, recipe):
        """Returns the arguments of `examples` that a recipe asks for in validation."""
        return {"skip_infeasible": recipe.skip_infeasible}

    # === Fit ===

    def compile_arguments(self, pipeline, recipe, split):
        """Returns loss and metrics for `model.compile`: CTC's, or those of labels."""
        if not is_ctc(pipeline.labels):
            return super().compile_arguments(pipeline, recipe, split)
        if recipe.class_weight is not None:
            raise ValueError(
                "Expected no `class_weight` with transcripts, whose loss is of whole sequences; "
                f"leave it out. Received: class_weight={recipe.class_weight!r}"
            )
        return {"loss": CTCLoss()}

    def callbacks(self, pipeline, validation):
        """Returns the callback that counts errors in validation transcripts, for CTC."""
        return [TranscriptErrors(pipeline, validation)] if is_ctc(pipeline.labels) else []


def _is_spoken(data):
    """Returns whether data have transcripts."""
    return isinstance(data.train.labels, list)


def _head_for(data):
    """Returns the head that writes transcripts, or chooses one label."""
    return "ctc" if _is_spoken(data) else "class"


def _feasible(preprocessor, split, skip):
    """Returns the classes and recordings that CTC can write, raising at others unless `skip`."""
    needed = needed_vectors(split.labels)
    unit, rate = preprocessor.steps_per_vector, preprocessor.sampling_rate
    fits, infeasible = [], []
    for need, recording in zip(needed, split.inputs(), strict=True):
        vectors = len(recording.samples(rate)) // unit
        fits.append(vectors >= need)
        if vectors < need:
            infeasible.append(f"{recording.origin} ({need} needed, {vectors} there)")
    if infeasible and not skip:
        raise DataError(
            f"Expected a vector at least for each symbol of a transcript, of {unit / rate * 1e3:g} "
            "milliseconds, and one between two that are the same; use a smaller `subsampling`, or "
            "leave such recordings out by `skip_infeasible=True` (`--set skip_infeasible=true`). "
            f"Received: {len(infeasible)} recordings that are too short: "
            f"{', '.join(infeasible[:_MOST_INFEASIBLE_NAMED])}"
        )
    if infeasible:
        print(f"{len(infeasible)} recordings left out that are too short: {infeasible[:5]}")
    recordings = (item for item, fit in zip(split.inputs(), fits, strict=True) if fit)
    return [row for row, fit in zip(split.labels, fits, strict=True) if fit], recordings
