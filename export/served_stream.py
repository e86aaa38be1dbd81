"""The step of a stream as an artefact sees it: the next input and the state in, answers out."""

import tensorflow as tf

from ..zoo.chunk_stream import NEXT
from ..zoo.streaming import StreamingEncoder, default_chunk_size
from ..zoo.tasks import TensorSpec
from .served_model import answers_of, sequence_mask, tensor_spec


class ServedStream:
    """The step of `zoo.StreamingEncoder`, with `lengths` for its mask, as other artefacts take it.

    State tensors that hold nothing (a window without a left side) are left out.

    Args:
        served: `ServedModel` of a speech encoder.
        chunk_size: Vectors in each step. Defaults to None: the chunk that a `"chunked_limited"`
            model was trained with, 8 for another.

    Attributes:
        encoder: `zoo.StreamingEncoder`, the step in Keras.
        inputs: The input, `lengths` and the state, as `TensorSpec`s.
        outputs: The answers, `padding_mask` and the next state, as `TensorSpec`s.

    Raises:
        ValueError: If the model is no speech encoder, or cannot be streamed in such chunks.
    """

    preprocessor = None

    def __init__(self, served, chunk_size=None):
        self.architecture, self.task, self.labels = served.architecture, served.task, served.labels
        self.config = served.config
        if chunk_size is None:
            chunk_size = default_chunk_size(self.config)
        self.encoder = StreamingEncoder(served.model, chunk_size)
        self.model = self.encoder.model
        state = self.encoder.state_specs
        self._empty = {name: spec for name, spec in state.items() if 0 in spec[0]}
        state = {name: spec for name, spec in state.items() if name not in self._empty}
        self.inputs = (*self._inputs(), *_specs(state, described="zeros at the start"))
        answers = {spec.name: spec for spec in self.task.outputs(self.config)}
        self.outputs = (
            *(self._of_chunk(spec) for spec in answers.values()),
            TensorSpec(
                "padding_mask",
                "bool",
                ("batch", chunk_size),
                "which of the vectors are answers",
            ),
            *_specs(state, prefix=NEXT, described="for the next step"),
        )
        self._names = list(answers)

    def __call__(self, tensors):
        """Returns the answers and the next state for a dict of `inputs`, as a dict by name."""
        tensors = {name: tf.convert_to_tensor(value) for name, value in tensors.items()}
        inputs = {name: tensors[name] for name in self.model.input if name in tensors}
        lengths = tensors["lengths"]
        inputs["padding_mask"] = sequence_mask(lengths, self.encoder.steps_per_chunk)
        for name, (shape, dtype) in self._empty.items():
            inputs[name] = tf.zeros((tf.shape(lengths)[0], *shape), dtype)
        outputs = dict(self.model(inputs, training=False))
        answer = outputs.pop("embedding" if self.config.num_classes == 0 else "logits")
        return {
            **answers_of(answer, self._names),
            **{spec.name: outputs[spec.name] for spec in self.outputs if spec.name in outputs},
        }

    def signature(self):
        """Returns the `tf.TensorSpec` of each input, by name."""
        return {spec.name: tensor_spec(spec) for spec in self.inputs}

    def description(self):
        """Returns what a host must know of the stream, JSON-like."""
        vector_ms = self.config.subsampling * self.config.hop_milliseconds
        return {
            "chunk_size": self.encoder.chunk_size,
            "steps_per_chunk": self.encoder.steps_per_chunk,
            "lookahead_frames": self.encoder.lookahead_frames,
            "latency_ms": self.encoder.latency_ms,
            "vector_ms": vector_ms,
            "sampling_rate": self.config.sampling_rate,
        }

    def _inputs(self):
        """Returns the specs of the chunk and its lengths, as the task names them."""
        for spec in self.task.inputs(self.config):
            size = self.encoder.steps_per_chunk
            shape = [size if dimension == "length" else dimension for dimension in spec.shape]
            yield TensorSpec(spec.name, spec.dtype, tuple(shape), spec.description)

    def _of_chunk(self, spec):
        batch, _, *inner = spec.shape
        shape = (batch, self.encoder.chunk_size, *inner)
        return TensorSpec(spec.name, spec.dtype, shape, spec.description)


def _specs(state, prefix="", described=""):
    return (
        TensorSpec(f"{prefix}{name}", dtype, ("batch", *shape), described)
        for name, (shape, dtype) in state.items()
    )
