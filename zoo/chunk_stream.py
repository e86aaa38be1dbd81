"""A stream as its user sees it: chunks and a state in, answers and the next state out.

Whatever makes the step: Keras, or an exported file (imports no Keras).
"""

import numpy as np

NEXT = "next_"


class ChunkStream:
    """Takes streams chunk by chunk; a subclass says in `answer` how one step is made.

    Args:
        input_name: `"waveform"` or `"features"`.
        input_shape: Shape of a chunk without the batch: `(samples,)` or `(frames, num_mels)`.
        state: Dict from the name of each tensor of the state to its `(shape, dtype)`, the shape
            without the batch.
        outputs: Dict from the name of each answer to its `(shape, dtype)`, alike.
        chunk_size: Vectors in each step.
        lookahead_frames: Vectors by which answers lag behind.
        latency_ms: From what is said to the answer at the latest, computation left out: the time of
            a chunk and of what answers lag behind, in milliseconds.
    """

    def __init__(
        self, input_name, input_shape, state, outputs, chunk_size, lookahead_frames, latency_ms
    ):
        self.input_name = input_name
        self.input_shape = tuple(input_shape)
        self.state_specs = dict(sorted(state.items()))
        self.output_specs = outputs
        self.chunk_size = chunk_size
        self.lookahead_frames = lookahead_frames
        self.latency_ms = latency_ms

    @property
    def steps_per_chunk(self):
        """Steps of the input, samples or frames, that each chunk takes."""
        return self.input_shape[0]

    def answer(self, chunk, mask, state):
        """Returns a dict of the answers and of the next state (`next_` before each name).

        Args:
            chunk: `(batch, *input_shape)` float32.
            mask: `(batch, steps_per_chunk)` bool, True = real.
            state: Dict of arrays, as `initial_state` names them.
        """
        raise NotImplementedError

    def initial_state(self, batch_size):
        """Returns the state before the first chunk: a dict of zeros, NumPy arrays, batch first.

        Args:
            batch_size: Number of streams that go in step.
        """
        return {
            name: np.zeros((batch_size, *shape), dtype)
            for name, (shape, dtype) in self.state_specs.items()
        }

    def step(self, chunk, state, mask=None):
        """Returns the answers that a chunk makes possible, and the state after it.

        Args:
            chunk: The next `steps_per_chunk` steps of each stream: `(batch, samples)`, or
                `(batch, frames, num_mels)`. Fewer only at the end: they are filled up.
            state: What `initial_state` or the last `step` returned.
            mask: `(batch, steps)`, True = real; a stream that is over goes on with False. Defaults
                to None (all real).

        Returns:
            A dict with `logits` (of the backbone `embedding`) `(batch, chunk_size, num_classes)`
            and `padding_mask` `(batch, chunk_size)`, which says what of them is an answer: before
            the stream has begun and after it is over, nothing is. And the new state.

        Raises:
            ValueError: If the chunk is too long, or the state is not of this encoder.
        """
        chunk, mask = self._whole_chunk(chunk, mask)
        self._check_state(state, len(chunk))
        outputs = self.answer(chunk, mask, state)
        state = {name: outputs.pop(f"{NEXT}{name}") for name in self.state_specs}
        return outputs, state

    def flush(self, state):
        """Returns the answers that still lag behind, once all streams are over, and the state.

        The answers are those of `step`, `lookahead_frames` of them, filled up to whole chunks.
        """
        batch_size = len(next(iter(state.values()))) if state else 1
        nothing = np.zeros((batch_size, *self.input_shape), "float32")
        mask = np.zeros(nothing.shape[:2], bool)
        answers = []
        for _ in range(-(-self.lookahead_frames // self.chunk_size)):
            outputs, state = self.step(nothing, state, mask)
            answers.append(outputs)
        if not answers:
            return self._no_answers(batch_size), state
        names = answers[0]
        return {n: np.concatenate([outputs[n] for outputs in answers], 1) for n in names}, state

    def answers(self, steps, lengths=None):
        """Yields the answers of every `step` for whole recordings, and at last those of `flush`.

        Args:
            steps: Recordings padded to one length, `(batch, samples)` or
                `(batch, frames, num_mels)`.
            lengths: Real steps of each, `(batch,)`. Defaults to None (all).
        """
        steps = np.asarray(steps)
        real = np.arange(steps.shape[1]) < (
            steps.shape[1] if lengths is None else np.asarray(lengths)[:, None]
        )
        real = np.broadcast_to(real, steps.shape[:2])
        state = self.initial_state(len(steps))
        for start in range(0, steps.shape[1], self.steps_per_chunk):
            chunk = slice(start, start + self.steps_per_chunk)
            outputs, state = self.step(steps[:, chunk], state, real[:, chunk])
            yield outputs
        yield self.flush(state)[0]

    def _no_answers(self, batch_size):
        return {
            name: np.zeros((batch_size, 0, *shape[1:]), dtype)
            for name, (shape, dtype) in self.output_specs.items()
        }

    def _whole_chunk(self, chunk, mask):
        """Returns chunk and mask, filled up to `steps_per_chunk`."""
        chunk = np.asarray(chunk, "float32")
        shape = self.input_shape
        if chunk.ndim != len(shape) + 1 or chunk.shape[2:] != shape[1:]:
            raise ValueError(
                f"Expected a chunk of shape {('batch', *shape)}. Received: {chunk.shape}"
            )
        missing = self.steps_per_chunk - chunk.shape[1]
        if missing < 0:
            raise ValueError(
                f"Expected a chunk of at most {self.steps_per_chunk} steps "
                f"({self.chunk_size} vectors). Received: {chunk.shape[1]} steps"
            )
        mask = np.ones(chunk.shape[:2], bool) if mask is None else np.asarray(mask, bool)
        if mask.shape != chunk.shape[:2]:
            raise ValueError(
                f"Expected a mask of shape {chunk.shape[:2]}, as the chunk has. "
                f"Received: {mask.shape}"
            )
        if not missing:
            return chunk, mask
        around = [(0, 0), (0, missing), *[(0, 0)] * (chunk.ndim - 2)]
        return np.pad(chunk, around), np.pad(mask, around[:2])

    def _check_state(self, state, batch_size):
        expected = {name: (batch_size, *shape) for name, (shape, _) in self.state_specs.items()}
        received = {name: np.shape(value) for name, value in state.items()}
        if received != expected:
            differ = sorted(
                name
                for name in expected.keys() | received.keys()
                if expected.get(name) != received.get(name)
            )
            name = differ[0]
            raise ValueError(
                "Expected a state of this encoder and of as many streams as the chunk has, as "
                f"`initial_state` or `step` returned it: {name} of shape {expected.get(name)}. "
                f"Received: {name} of shape {received.get(name)}"
            )
