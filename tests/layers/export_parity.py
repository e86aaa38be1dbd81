"""A model of one layer, exported to SavedModel and ONNX and run there."""

from types import SimpleNamespace

import keras
import numpy as np


class OneModel:
    """A Functional model in the form in which `write_onnx` takes what it converts.

    Args:
        model: Functional model with named inputs, one output or several.
        dimensions: Dict from the name of each input to the names or sizes of its axes.
        output_dimensions: The same for the outputs, `output_0` and on.
    """

    architecture, labels, task = "one layer", [], SimpleNamespace(name="test")

    def __init__(self, model, dimensions, output_dimensions):
        self.model = model
        self.inputs = [SimpleNamespace(name=n, shape=s) for n, s in dimensions.items()]
        self.outputs = [SimpleNamespace(name=n, shape=s) for n, s in output_dimensions.items()]

    def signature(self):
        import tensorflow as tf

        return {
            node.name: tf.TensorSpec(node.shape, node.dtype, node.name)
            for node in self.model.inputs
        }

    def __call__(self, tensors):
        outputs = self.model([tensors[node.name] for node in self.model.inputs])
        outputs = outputs if isinstance(outputs, list) else [outputs]
        return {f"output_{i}": output for i, output in enumerate(outputs)}


def assert_exports_agree(model, dimensions, output_dimensions, feeds, folder, atol=1e-5):
    """Asserts that both formats give what the model gives, on inputs of several sizes.

    Args:
        model: Functional model with named inputs and one output or a list of them.
        dimensions: Dict from input name to its axes: names where the size is open.
        output_dimensions: Dict from `output_0` and on to their axes.
        feeds: List of dicts from input name to array.
        folder: Where the files may lie.
        atol: Largest difference.
    """
    served = OneModel(model, dimensions, output_dimensions)
    model(list(feeds[0].values()))
    for run in (saved_model(model, folder), onnx_session(served, folder)):
        for feed in feeds:
            expected = served(feed)
            for output, reference in zip(run(feed), expected.values(), strict=True):
                np.testing.assert_allclose(output, reference, rtol=0, atol=atol)


def saved_model(model, folder):
    """Exports as any user of Keras would; returns a function from a feed to the outputs."""
    import tensorflow as tf

    path = str(folder / "saved_model")
    model.export(path, verbose=False)
    loaded = tf.saved_model.load(path)

    def run(feed):
        inputs = [tf.constant(feed[node.name]) for node in model.inputs]
        return keras.tree.flatten(loaded.serve(inputs if len(inputs) > 1 else inputs[0]))

    return run


def onnx_session(served, folder):
    """Converts and checks; returns a function from a feed to the outputs in ONNX Runtime."""
    import onnx
    import onnxruntime

    from attnzoo.export.onnx_conversion import write_onnx

    path = str(folder / "layer.onnx")
    write_onnx(served, path)
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [node.name for node in served.outputs]
    return lambda feed: session.run(names, feed)
