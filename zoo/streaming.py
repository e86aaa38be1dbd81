"""Streaming: a speech encoder that takes a recording chunk by chunk, and answers as it would whole.

Every layer that looks beyond the vector at hand keeps a state and has a `step`; a stream is these
steps one after the other. `StreamingEncoder.model` is the step as a Keras model, which exports.
"""

import keras

from .. import layers
from ..layers import NamedInputsModel
from .builder import config_of
from .chunk_stream import NEXT, ChunkStream
from .speech_encoder.config import ADDED_POSITIONS

# What only matters in training, or makes masks that a step brings along.
_SKIPPED = (
    keras.layers.Dropout,
    keras.layers.InputLayer,
    layers.FrameMask,
    layers.RandomChoice,
    layers.SpecAugment,
)
# Vectors in each step, where the trained chunk does not say how many.
_CHUNK_SIZE = 8


class StreamingEncoder(ChunkStream):
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
        latency_ms: From what is said to the answer at the latest, see `ChunkStream`.

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
        stages = [layer for layer in model.layers if not isinstance(layer, _SKIPPED)]
        step = StreamingStep(stages, name="step")
        lookahead = sum(getattr(stage, "lookahead", 0) for stage in stages)
        vector_ms = self.config.subsampling * self.config.hop_milliseconds
        width = (self.config.num_mels,) if self.config.input == "features" else ()
        input_shape = (chunk_size * self.config.steps_per_vector, *width)
        state = _shapes(step.initial_state(1))
        self.model = self._functional_model(step, input_shape, state, chunk_size)
        outputs = {n: t for n, t in self.model.output.items() if not n.startswith(NEXT)}
        super().__init__(
            self.config.input,
            input_shape,
            state,
            _shapes(outputs),
            chunk_size,
            lookahead_frames=lookahead,
            latency_ms=(chunk_size + lookahead) * vector_ms,
        )

    def _functional_model(self, step, input_shape, state, chunk_size):
        inputs = {
            self.config.input: (input_shape, "float32"),
            "padding_mask": (input_shape[:1], "bool"),
            **state,
        }
        inputs = {
            name: keras.Input(shape, dtype=dtype, name=name)
            for name, (shape, dtype) in sorted(inputs.items())
        }
        model = NamedInputsModel(inputs, step(inputs), name="speech_encoder_step")
        model.metadata = {"chunk_size": chunk_size, "config": self.config.to_dict()}
        return model

    def answer(self, chunk, mask, state):
        """Returns the answers and the next state, made by Keras."""
        return self.model.predict_on_batch(
            {self.config.input: chunk, "padding_mask": mask, **state}
        )


def _shapes(tensors):
    """Returns the shape without the batch, and the dtype, of each tensor by name."""
    return {
        name: (tuple(tensor.shape[1:]), keras.backend.standardize_dtype(tensor.dtype))
        for name, tensor in tensors.items()
    }


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


def default_chunk_size(config):
    """Returns the chunk that a `"chunked_limited"` model was trained with, 8 vectors for another.

    Example:
    >>> from attnzoo import zoo
    >>> default_chunk_size(zoo.get_config("speech_encoder").replace(att_context_size=(32, 3)))
    4
    """
    contexts = getattr(config, "contexts", ())
    chunked = getattr(config, "att_context_style", None) == "chunked_limited"
    return contexts[0][1] + 1 if chunked and contexts else _CHUNK_SIZE


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
    if config.stem != "causal":
        raise ValueError(
            "Expected the stem 'causal', as others hear what comes after a vector, or have no step "
            f"that is the same for all chunks. Received: stem={config.stem!r}"
        )
    if config.position in ADDED_POSITIONS:
        raise ValueError(
            "Expected a position that acts between vectors, such as 'relative', as a step does "
            f"not know where in the stream it is. Received: position={config.position!r}"
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
