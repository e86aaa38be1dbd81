"""What runs an exported file and knows nothing of our code: ONNX Runtime, TensorFlow sessions."""

from pathlib import Path

from .quiet import quiet_tensorflow


class OnnxEngine:
    """An ONNX file in ONNX Runtime, on the CPU.

    Args:
        path: The file.
        optimized: Whether the runtime may rewrite the graph. Defaults to True.
        threads: Processor threads that it uses. Defaults to None (its choice).
    """

    def __init__(self, path, optimized=True, threads=None):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        if threads is not None:
            options.intra_op_num_threads = options.inter_op_num_threads = threads
        level = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = (
            level.ORT_ENABLE_ALL if optimized else level.ORT_DISABLE_ALL
        )
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        self.output_names = [value.name for value in self._session.get_outputs()]

    def run(self, inputs, outputs=None):
        """Returns the outputs of these names (all by default) as a dict of arrays."""
        names = self.output_names if outputs is None else outputs
        return dict(zip(names, self._session.run(names, inputs), strict=True))


class SavedModelEngine:
    """A SavedModel in a TensorFlow 1 session, which is how TF Serving loads it.

    Args:
        folder: The SavedModel.
        threads: Processor threads that the first session of a process makes for all. Defaults to
            None (TensorFlow's choice).
    """

    def __init__(self, folder, threads=None):
        import tensorflow as tf

        self._graph = tf.Graph()
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=threads or 0, inter_op_parallelism_threads=threads or 0
        )
        with quiet_tensorflow(), self._graph.as_default():
            self._session = tf.compat.v1.Session(config=config)
            meta_graph = tf.compat.v1.saved_model.load(self._session, ["serve"], str(Path(folder)))
        self._signatures = {
            name: signature
            for name, signature in meta_graph.signature_def.items()
            if not name.startswith("__")
        }
        self.signatures = sorted(self._signatures)

    def output_names(self, signature):
        """Returns the names of a signature's outputs."""
        return sorted(self._signatures[signature].outputs)

    def method(self, signature):
        """Returns the name of the API of TF Serving that a signature answers."""
        return self._signatures[signature].method_name

    def run(self, signature, inputs, outputs=None):
        """Returns the outputs of these names (all by default) as a dict of arrays."""
        definition = self._signatures[signature]
        names = self.output_names(signature) if outputs is None else outputs
        return self._session.run(
            {name: definition.outputs[name].name for name in names},
            {definition.inputs[name].name: value for name, value in inputs.items()},
        )
