"""Speech recognition: a recording in; its text, one label, or a label for each vector out."""

import functools
from typing import ClassVar

import numpy as np

from ..ctc_decoding import GreedyDecoder
from ..prediction import LabelledFrames, SpokenWord, Transcript
from ..raw_audio import wav_bytes
from ..symbols import SPACE, is_ctc, text_of
from .classification import Classification, prediction_from_probabilities
from .interface import BATCH_SIZES, SampleInputs, TensorSpec, softmax


class SpeechRecognition(Classification):
    """Samples, or log-mel frames, go in; the head decides what the logits mean.

    Args:
        decoder: What reads symbols from the logits of CTC, see `zoo.ctc_decoding`. Defaults to None
            (`GreedyDecoder`).
    """

    name = "speech_recognition"
    raw_input = "wav_bytes"
    # The kind of a SavedModel's signature that answers checked raw inputs.
    served_kind = "raw"
    # Keras input -> the artefact's tensor and the dimension that it is derived from.
    masks: ClassVar = {"padding_mask": ("lengths", "length")}
    # Everything that the preprocessor needs is in the configuration.
    preprocessor_files = ()
    command_example = "recording.wav"
    # How a client without our code makes an artefact's tensors of one input.
    client_example = (
        "import numpy, soundfile",
        'samples, rate = soundfile.read("recording.wav", dtype="float32", always_2d=True)',
        "# `rate` must be the model's: see `sampling_rate` in manifest.json.",
        "waveform = samples.mean(axis=1)[None]",
        'lengths = numpy.array([waveform.shape[1]], "int32")',
    )

    def __init__(self, decoder=None):
        self.decoder = decoder or GreedyDecoder()

    def with_decoder(self, decoder):
        """Returns the task with another decoder, for the `task` of one predictor."""
        return type(self)(decoder)

    def raw_samples(self, config):
        """Returns wav files of the model's rate that decoded in a graph could differ."""
        return () if config.input == "features" else _wav_files(config.sampling_rate)

    def inputs(self, config):
        """Returns the tensors that an artefact takes."""
        lengths = TensorSpec("lengths", "int32", ("batch",), "real samples in each row")
        if config.input == "features":
            shape = ("batch", "length", config.num_mels)
            described = "log-mel frames, padded"
            lengths = TensorSpec("lengths", "int32", ("batch",), "real frames in each row")
            return TensorSpec("features", "float32", shape, described), lengths
        described = f"samples in [-1, 1] at {config.sampling_rate} Hz, padded"
        return TensorSpec("waveform", "float32", ("batch", "length"), described), lengths

    def outputs(self, config):
        """Returns the tensors that an artefact returns (`label`: an index into the labels).

        There is a frame for each `config.steps_per_vector` steps. With CTC, `label` is the best
        path: merge repetitions, then leave out 0.
        """
        if config.head == "class":
            return super().outputs(config)
        each = ("batch", "frames")
        if config.num_classes == 0:
            return (TensorSpec("embedding", "float32", (*each, config.hidden_dim)),)
        described = "index into `labels.txt`"
        if config.head == "ctc":
            described += "; merge repetitions, leave out 0"
        return (
            TensorSpec("logits", "float32", (*each, config.num_classes)),
            TensorSpec("probabilities", "float32", (*each, config.num_classes)),
            TensorSpec("label", "int64", each, described),
        )

    def sample(self, config, lengths, seed=0, length=None):
        """Returns noise for rows of these lengths, padded with zeros.

        Args:
            config: The model's configuration.
            lengths: Samples (or frames) of each row; 0 makes a row that is all padding.
            seed: Seed of the noise. Defaults to 0.
            length: Padded length. Defaults to None (the longest row, one vector at least).

        Returns:
            Dict `waveform (batch, length)` float32 (or `features (batch, length, num_mels)`) and
            `lengths (batch,)` int32.
        """
        generator = np.random.default_rng(seed)
        lengths = np.asarray(lengths, "int32")
        length = length or max(config.steps_of_first_vector, int(lengths.max(initial=0)))
        is_real = np.arange(length) < lengths[:, None]
        inner = (config.num_mels,) if config.input == "features" else ()
        noise = generator.normal(size=(*is_real.shape, *inner)).astype("float32")
        if not inner:
            return {"waveform": 0.1 * noise * is_real, "lengths": lengths}
        return {"features": noise * is_real[:, :, None], "lengths": lengths}

    def fill_padding(self, config, inputs, generator):
        """Returns a copy of `inputs` whose padding holds loud noise, which must change nothing."""
        name = "features" if config.input == "features" else "waveform"
        steps = inputs[name].copy()
        padding = np.arange(steps.shape[1]) >= inputs["lengths"][:, None]
        steps[padding] = 100 * generator.normal(size=steps[padding].shape)
        return {**inputs, name: steps}

    def samples(self, config, generator):
        """Yields the `SampleInputs` that an artefact is verified by.

        Of one vector, two, a prime number of steps, and the longest; each without padding, and with
        rows of other lengths, one of them all padding.
        """
        unit, first = config.steps_per_vector, config.steps_of_first_vector
        longest = self.longest(config)
        lengths = {first, first + unit, _prime(first + 6 * unit), longest}
        lengths = sorted({min(length, longest) for length in lengths})
        for batch in BATCH_SIZES:
            for length in lengths:
                full = self.sample(config, [length] * batch, seed=length)
                name = f"batch{batch}_length{length}"
                yield SampleInputs(name, full, full)
                rows = generator.integers(0, length + 1, batch)
                rows[-1] = 0
                clean = self.sample(config, rows, seed=length, length=length)
                sent = self.fill_padding(config, clean, generator)
                yield SampleInputs(f"{name}_padded", clean, sent)

    def named_outputs(self, outputs, labels, tensors):
        """Returns what a raw signature says in place of indices: labels, of CTC the text too."""
        named = super().named_outputs(outputs, labels, tensors)
        if not is_ctc(labels):
            return named
        read = [GreedyDecoder()(logits) for logits in outputs["logits"]]
        texts = [text_of(labels[span.symbol] for span in spans) for spans in read]
        return {**named, "text": np.array(texts, object)}

    def tensors(self, batch):
        """Returns an artefact's inputs for a batch of `AudioPreprocessor.collate`."""
        (name,) = set(batch) - {"padding_mask"}
        lengths = batch["padding_mask"].sum(axis=1).astype("int32")
        return {name: batch[name], "lengths": lengths}

    def served_batch(self, recordings):
        """Returns the inputs of the raw signature, for checked recordings."""
        encoded = np.empty(len(recordings), object)
        encoded[:] = [wav_bytes(item.steps, item.rate) for item in recordings]
        return {"wav_bytes": encoded}

    def longest(self, config):
        """Returns the steps that an artefact is verified up to: about a second, or its limit."""
        second = config.sampling_rate
        if config.input == "features":
            second //= config.hop_length
        longest = -(-second // config.steps_per_vector) * config.steps_per_vector
        return min(longest, config.longest_input or longest)

    def load_preprocessor(self, folder, config):
        """Returns the preprocessor, which the configuration decides."""
        from ..audio_preprocessor import AudioPreprocessor

        return AudioPreprocessor.of_config(config)

    def collect(self, recordings, rows, num_classes):
        """Returns logits `(recordings, num_classes)`, or a list of `(vectors, num_classes)`."""
        if rows and rows[0].ndim == 2:
            return [row[: item.num_vectors] for item, row in zip(recordings, rows, strict=True)]
        return super().collect(recordings, rows, num_classes)

    def predictions(self, recordings, logits, labels):
        """Returns a `Transcript`, `Prediction` or `LabelledFrames` for each checked recording."""
        if isinstance(logits, np.ndarray):
            return super().predictions(recordings, logits, labels)
        pairs = zip(recordings, logits, strict=True)
        if is_ctc(labels):
            return [
                _transcript(self.decoder(rows), labels, item.seconds_per_vector)
                for item, rows in pairs
            ]
        return [
            LabelledFrames(
                tuple(prediction_from_probabilities(row, labels) for row in softmax(rows)),
                item.seconds_per_vector,
            )
            for item, rows in pairs
        ]


def _transcript(spans, labels, seconds):
    """Returns the `Transcript` of symbols and the vectors that they were read from."""
    words, letters = [], []
    for symbol, start, end in spans:
        pieces = labels[symbol].split(SPACE)
        for index, piece in enumerate(pieces):
            if index and letters:  # A space ends the word before it.
                words.append(letters)
                letters = []
            if piece:
                letters.append((piece, start * seconds, end * seconds))
    if letters:
        words.append(letters)
    return Transcript(
        text_of(labels[span.symbol] for span in spans),
        tuple(
            SpokenWord("".join(piece for piece, _, _ in word), word[0][1], word[-1][2])
            for word in words
        ),
    )


def _prime(at_least):
    """Returns the first prime number from `at_least` on."""
    number = at_least
    while any(number % factor == 0 for factor in range(2, int(number**0.5) + 1)):
        number += 1
    return number


@functools.cache
def _wav_files(rate):
    """Returns wav files of 16 bits: noise, a tone, silence, two channels, hardly anything."""
    generator = np.random.default_rng(0)
    noise = generator.normal(0, 3000, rate).astype("int16")
    tone = (9000 * np.sin(np.arange(rate // 3 + 1) * 0.1)).astype("int16")
    return (
        wav_bytes(noise, rate),
        wav_bytes(tone, rate),
        wav_bytes(np.zeros(rate // 2, "int16"), rate),
        wav_bytes(np.stack([noise, noise[::-1]], axis=1), rate),
        wav_bytes(tone[:1], rate),
    )
