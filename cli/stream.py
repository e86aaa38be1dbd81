"""attnzoo stream: what a speech encoder hears, printed as it comes, chunk by chunk.

From a saved folder, or from the step that `attnzoo export --streaming` wrote. The input is an audio
file, or raw samples on standard input: 16-bit little-endian, one channel.
"""

import json
import sys
import time

from .types import positive_integer

_BYTES_PER_SAMPLE = 2


def add_arguments(parser):
    """Adds the arguments of `attnzoo stream`."""
    parser.add_argument("model", help="a folder of `attnzoo train`, or an exported artefact")
    parser.add_argument(
        "--input",
        required=True,
        metavar="FILE",
        help="a wav or flac file; - is standard input: raw 16-bit little-endian samples, mono",
    )
    parser.add_argument(
        "--rate",
        type=positive_integer,
        metavar="HZ",
        help="samples a second on standard input (default: the model's)",
    )
    parser.add_argument(
        "--chunk-size",
        type=positive_integer,
        metavar="N",
        help="vectors in each step, for a saved folder (default: the trained chunk, or 8)",
    )


def run(arguments):
    """Prints the text as it is heard, and on standard error how fast that went."""
    if arguments.rate is not None and arguments.input != "-":
        raise ValueError("Expected `--rate` only with `--input -`: a file says its own rate.")
    stream, labels, rate, seconds = _load(arguments)
    from ..zoo.symbols import is_ctc

    if not is_ctc(labels) or stream.input_name != "waveform":
        raise ValueError(
            "Expected a model that hears text in samples: with head='ctc' and input='waveform'. "
            f"Received: labels {labels[:5]}, input {stream.input_name!r}"
        )
    heard = _Heard(labels, seconds, arguments.json)
    try:
        for chunk in _chunks(arguments, stream.steps_per_chunk, rate):
            heard.listen(stream, chunk, len(chunk) / rate)
        heard.end(stream)
    except KeyboardInterrupt:
        heard.close(stream)
        raise
    heard.close(stream)


def _load(arguments):
    """Returns the stream, its labels, its rate in Hz and the seconds of a vector."""
    from ..export.predictor import is_artefact

    if is_artefact(arguments.model):
        if arguments.chunk_size is not None:
            raise ValueError(
                "Expected no `--chunk-size` for an exported step, whose chunks are fixed."
            )
        from .. import export

        stream = export.load_stream(arguments.model)
        return stream, stream.labels, stream.sampling_rate, stream.vector_ms / 1000
    from .. import zoo
    from ..zoo.streaming import default_chunk_size

    pipeline = zoo.load(arguments.model)
    config = pipeline.config
    stream = zoo.StreamingEncoder(
        pipeline.model, arguments.chunk_size or default_chunk_size(config)
    )
    seconds = config.subsampling * config.hop_milliseconds / 1000
    return stream, pipeline.labels, config.sampling_rate, seconds


def _chunks(arguments, size, rate):
    """Yields float32 samples at the model's rate, `size` at a time; fewer at the end."""
    import numpy as np

    from ..zoo.raw_audio import AudioError, RawAudio

    if arguments.input != "-":
        samples = RawAudio.of(arguments.input).samples(rate)
        yield from (samples[begin : begin + size] for begin in range(0, len(samples), size))
        return
    held, is_empty = np.zeros(0, "float32"), True
    for samples in _read_samples(sys.stdin.buffer, arguments.rate or rate, rate, size):
        held, is_empty = np.concatenate([held, samples]), is_empty and not len(samples)
        while len(held) >= size:
            yield held[:size]
            held = held[size:]
    if is_empty:
        raise AudioError("Expected samples on standard input; there are none.")
    if len(held):
        yield held


def _read_samples(file, own_rate, rate, size):
    """Yields float32 samples of raw 16-bit ones as they come, resampled if need be."""
    import numpy as np

    resample = None
    if own_rate != rate:
        import soxr

        resample = soxr.ResampleStream(own_rate, rate, 1, dtype="float32")
    wanted = _BYTES_PER_SAMPLE * max(1, size * own_rate // rate)
    while data := file.read(wanted):
        data = data[: len(data) // _BYTES_PER_SAMPLE * _BYTES_PER_SAMPLE]
        samples = np.frombuffer(data, "<i2").astype("float32") / (1 << 15)
        yield samples if resample is None else resample.resample_chunk(samples)
    if resample is not None:  # It holds back what it needs to filter.
        yield resample.resample_chunk(np.zeros(0, "float32"), last=True)


class _Heard:
    """What was heard so far: printed as it comes."""

    def __init__(self, labels, seconds, as_json):
        from ..zoo.ctc_decoding import GreedyStream
        from ..zoo.symbols import TextStream

        self._decoder, self._speller, self._printed = GreedyStream(), TextStream(), []
        self._labels, self._seconds_per_vector, self._as_json = labels, seconds, as_json
        self._state, self._answered, self._audio, self._work = None, 0, 0.0, 0.0

    def listen(self, stream, chunk, seconds):
        """Takes the next samples, which last so many seconds."""
        began = time.perf_counter()
        state = stream.initial_state(1) if self._state is None else self._state
        outputs, self._state = stream.step(chunk[None], state)
        self._work += time.perf_counter() - began
        self._audio += seconds
        self._read(outputs)

    def end(self, stream):
        """Takes the answers that lag behind."""
        if self._state is not None:
            began = time.perf_counter()
            outputs, self._state = stream.flush(self._state)
            self._work += time.perf_counter() - began
            self._read(outputs)

    def _read(self, outputs):
        logits = outputs["logits"][0][outputs["padding_mask"][0]]
        self._answered += len(logits)
        new = self._speller(self._labels[symbol] for symbol in self._decoder(logits))
        if not new:
            return
        self._printed.append(new)
        if self._as_json:
            until = self._answered * self._seconds_per_vector
            print(json.dumps({"seconds": round(until, 3), "text": new}), flush=True)
        else:
            print(new, end="", flush=True)

    def close(self, stream):
        """Ends the line, and says how fast it went."""
        factor = self._work / self._audio if self._audio else 0.0
        if self._as_json:
            total = {"text": "".join(self._printed), "seconds": round(self._audio, 3)}
            print(json.dumps({**total, "real_time_factor": round(factor, 4)}), flush=True)
        else:
            print(flush=True)
        print(
            f"{self._audio:.1f} s of audio in {self._work:.1f} s: real-time factor {factor:.3f}, "
            f"answers at most {stream.latency_ms} ms late",
            file=sys.stderr,
        )
