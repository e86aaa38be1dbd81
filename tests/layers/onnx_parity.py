"""A model of one layer, converted to ONNX and run there."""

from types import SimpleNamespace

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


def assert_onnx_agrees(model, dimensions, output_dimensions, feeds, folder, atol=1e-5):
    """Asserts that ONNX Runtime gives what the model gives, on inputs of several sizes.

    Args:
        model: Functional model with named inputs and one output or a list of them.
        dimensions: Dict from input name to its axes: names where the size is open.
        output_dimensions: Dict from `output_0` and on to their axes.
        feeds: List of dicts from input name to array.
        folder: Where the file may lie.
        atol: Largest difference.
    """
    import onnx
    import onnxruntime

    from attnzoo.export.onnx_conversion import write_onnx

    served = OneModel(model, dimensions, output_dimensions)
    model(list(feeds[0].values()))
    path = str(folder / "layer.onnx")
    write_onnx(served, path)
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for feed in feeds:
        expected = served(feed)
        outputs = session.run(list(expected), feed)
        for output, reference in zip(outputs, expected.values(), strict=True):
            np.testing.assert_allclose(output, reference, rtol=0, atol=atol)
