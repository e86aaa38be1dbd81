"""Streaming: a speech encoder that takes a recording chunk by chunk, and answers as it would whole.

Every layer that looks beyond the vector at hand keeps a state and has a `step`; a stream is these
steps one after the other. `StreamingEncoder.model` is the step as a Keras model, which exports.
"""

import keras
import numpy as np
from keras import ops

from .. import layers
from ..layers import NamedInputsModel
from .builder import config_of

# What only matters in training, or makes masks that a step brings along.
_SKIPPED = (
    keras.layers.Dropout,
    keras.layers.InputLayer,
    layers.FrameMask,
    layers.RandomChoice,
    layers.SpecAugment,
)
NEXT = "next_"


class StreamingEncoder:
    """Runs a speech encoder over streams, a fixed number of vectors at a time.

    What `step` and `flush` return together is what the model returns for the whole recording. In
    the style `"regular"` each encoder block waits for the `right` vectors after the one it answers,
    so answers come `lookahead_frames` vectors late, for any chunk size; in `"chunked_limited"` they
    come at once, for whole chunks.

    Args:
        model: A speech encoder of `zoo.build` with a limited `att_context_size` and without a
            pooled head. Of several context sizes the first is used; another is chosen by
            `zoo.build(..., weights=PATH, att_context_size=(left, right))`.
        chunk_size: Vectors in each step; with `"chunked_limited"` a multiple of `right + 1`.

    Attributes:
        model: The step as a Functional Keras model: the next input, its mask and the state in, the
            answers and the next state out.
        steps_per_chunk: Steps of the input, samples or frames, that each chunk takes.
        lookahead_frames: Vectors by which answers lag behind.
        latency_ms: From what is said to the answer at the latest, computation left out: the time of
            a chunk and of what answers lag behind, in milliseconds.

    Raises:
        ValueError: If the model is no speech encoder, cannot be streamed, or `chunk_size` does not
            fit.

    Example:
    ```python
    encoder = zoo.StreamingEncoder(pipeline.model, chunk_size=8)
    state = encoder.initial_state(batch_size=1)
    for chunk in chunks:  # each (1, encoder.steps_per_chunk)
        outputs, state = encoder.step(chunk, state)
    outputs, state = encoder.flush(state)
    outputs["logits"], outputs["padding_mask"]  # (1, vectors, num_classes), (1, vectors)
    ```

    References:
        Noroozi et al., 2024, "Stateful Conformer with cache-based inference for streaming automatic
        speech recognition", section 2.
    """

    def __init__(self, model, chunk_size):
        self.config = config_of(model)
        _check_streams(self.config, chunk_size)
        self.chunk_size = chunk_size
        self.steps_per_chunk = chunk_size * self.config.steps_per_vector
        stages = [layer for layer in model.layers if not isinstance(layer, _SKIPPED)]
        self._step = StreamingStep(stages, name="step")
        self.lookahead_frames = sum(getattr(stage, "lookahead", 0) for stage in stages)
        vector_ms = self.config.subsampling * self.config.hop_milliseconds
        self.latency_ms = (chunk_size + self.lookahead_frames) * vector_ms
        self.model = self._functional_model()

    def _functional_model(self):
        width = (self.config.num_mels,) if self.config.input == "features" else ()
        inputs = {
            self.config.input: keras.Input(
                (self.steps_per_chunk, *width), dtype="float32", name=self.config.input
            ),
            "padding_mask": keras.Input((self.steps_per_chunk,), dtype="bool", name="padding_mask"),
        }
        for name, value in self.initial_state(1).items():
            inputs[name] = keras.Input(value.shape[1:], dtype=str(value.dtype), name=name)
        inputs = dict(sorted(inputs.items()))
        model = NamedInputsModel(inputs, self._step(inputs), name="speech_encoder_step")
        model.metadata = {"chunk_size": self.chunk_size, "config": self.config.to_dict()}
        return model

    def initial_state(self, batch_size):
        """Returns the state before the first chunk: a dict of zeros, NumPy arrays, batch first.

        Args:
            batch_size: Number of streams that go in step.
        """
        state = self._step.initial_state(batch_size)
        return {name: ops.convert_to_numpy(value) for name, value in sorted(state.items())}

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
        inputs = self._inputs(chunk, mask)
        self._check_state(state, len(inputs["padding_mask"]))
        outputs = self.model.predict_on_batch({**inputs, **state})
        state = {name: outputs.pop(f"{NEXT}{name}") for name in state}
        return outputs, state

    def flush(self, state):
        """Returns the answers that still lag behind, once all streams are over, and the state.

        The answers are those of `step`, `lookahead_frames` of them, filled up to whole chunks.
        """
        batch_size = len(next(iter(state.values())))
        nothing = np.zeros((batch_size, *self.model.input[self.config.input].shape[1:]), "float32")
        mask = np.zeros(nothing.shape[:2], bool)
        answers = []
        for _ in range(-(-self.lookahead_frames // self.chunk_size)):
            outputs, state = self.step(nothing, state, mask)
            answers.append(outputs)
        if not answers:
            return self._no_answers(batch_size), state
        names = answers[0]
        return {n: np.concatenate([outputs[n] for outputs in answers], 1) for n in names}, state

    def _no_answers(self, batch_size):
        return {
            name: np.zeros((batch_size, 0, *tensor.shape[2:]), tensor.dtype)
            for name, tensor in self.model.output.items()
            if not name.startswith(NEXT)
        }

    def _inputs(self, chunk, mask):
        chunk = np.asarray(chunk, "float32")
        shape = self.model.input[self.config.input].shape[1:]
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
        around = [(0, 0), (0, missing), *[(0, 0)] * (chunk.ndim - 2)]
        return {
            self.config.input: np.pad(chunk, around),
            "padding_mask": np.pad(mask, around[:2]),
        }

    def _check_state(self, state, batch_size):
        expected = {
            name: (batch_size, *tensor.shape[1:])
            for name, tensor in self.model.input.items()
            if name not in (self.config.input, "padding_mask")
        }
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


@keras.saving.register_keras_serializable("attnzoo")
class StreamingStep(keras.layers.Layer):
    """The layers of a speech encoder, each by its `step` if it has one, one after the other.

    Args:
        stages: Built layers, in order.

    Call arguments:
        inputs: Dict of the next input, `padding_mask` and the state.

    Returns:
        Dict of the answers, their `padding_mask` and the next state (`next_` before each name).
    """

    def __init__(self, stages, **kwargs):
        super().__init__(**kwargs)
        self.stages = stages

    def build(self, inputs_shape):
        """Has only weights of the stages, which are built."""
        self.built = True

    def initial_state(self, batch_size):
        """Returns the state of all stages, by stage and name: `encoder_block_0_key`."""
        return {
            f"{stage.name}_{name}": value
            for stage in self.stages
            if hasattr(stage, "step")
            for name, value in stage.initial_state(batch_size).items()
        }

    def call(self, inputs):
        """Returns the answers and the next state."""
        names = ("waveform", "features")
        states = next(inputs[name] for name in names if name in inputs)
        mask, after, answer = inputs["padding_mask"], {}, "embedding"
        for stage in self.stages:
            if hasattr(stage, "step"):
                prefix = f"{stage.name}_"
                state = {
                    name.removeprefix(prefix): value
                    for name, value in inputs.items()
                    if name.startswith(prefix)
                }
                states, mask, state = stage.step(states, state, mask)
                after |= {f"{NEXT}{prefix}{name}": value for name, value in state.items()}
            elif isinstance(stage, layers.BlankPadding):
                states = stage(states, padding_mask=mask)
            else:
                states = stage(states)
            if stage.name == "logits":
                answer = "logits"
        return {answer: states, "padding_mask": mask, **dict(sorted(after.items()))}

    def get_config(self):
        """Configuration; its keys are the constructor's arguments."""
        stages = [keras.saving.serialize_keras_object(stage) for stage in self.stages]
        return {**super().get_config(), "stages": stages}


def _check_streams(config, chunk_size):
    if not hasattr(config, "att_context_size"):
        raise ValueError(
            f"Expected a speech encoder to stream. Received: a model with {type(config).__name__}"
        )
    if config.att_context_size is None:
        raise ValueError(
            "Expected a limited `att_context_size`, as a stream never sees all; build or train the "
            "model with att_context_size=(left, right). Received: att_context_size=None"
        )
    if config.head == "class":
        raise ValueError(
            "Expected a head with an answer for each vector, 'ctc' or 'frames', as the mean over a "
            "recording is known at its end only. Received: head='class'"
        )
    if config.feature_normalization == "utterance":
        raise ValueError(
            "Expected `feature_normalization='global'`, as the mean of a recording is known at its "
            "end only. Received: feature_normalization='utterance'"
        )
    right = config.contexts[0][1]
    multiple = right + 1 if config.att_context_style == "chunked_limited" else 1
    if not isinstance(chunk_size, int) or chunk_size < 1 or chunk_size % multiple:
        raise ValueError(
            "Received an invalid value for argument `chunk_size`, expected a positive multiple of "
            f"{multiple} vectors, with att_context_size={config.contexts[0]} of style "
            f"{config.att_context_style!r}. Received: chunk_size={chunk_size!r}"
        )
