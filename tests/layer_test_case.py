"""The one function that every exported layer passes through."""

import inspect
import json
import tempfile
import warnings
from pathlib import Path

import keras
import numpy as np

from .backends import BACKEND, weight_gradients

# Sizes that cannot be mistaken for one another; every axis of size LENGTH is a sequence.
BATCH, LENGTH, HIDDEN = 2, 5, 8


def run_layer_test(
    layer_class,
    init_kwargs,
    inputs,
    expected_output_shape,
    call_kwargs=None,
    mask="kept",
    weights_without_gradient=(),
):
    """Checks what must hold for every layer.

    Args:
        layer_class: The class under test.
        init_kwargs: Dict of constructor arguments.
        inputs: Float array, or a tuple of them for a layer that is called with several.
        expected_output_shape: Shape tuple, or a tuple of them for several outputs.
        call_kwargs: Dict of further call arguments; arrays become inputs of the Functional model.
        mask: What becomes of a Keras mask on the inputs: `"kept"`, `"dropped"` on purpose (no
            warning), or `"unsupported"`.
        weights_without_gradient: Endings of the paths of weights whose gradient is zero in theory.
    """
    inputs = inputs if isinstance(inputs, tuple) else (inputs,)
    call_kwargs = call_kwargs or {}

    def make(**overrides):
        return layer_class(**{**init_kwargs, **overrides})

    check_config(make, inputs, call_kwargs)
    check_shapes_and_dtypes(make, inputs, call_kwargs, expected_output_shape)
    check_fit(make, inputs, call_kwargs, weights_without_gradient)
    check_precision(make, inputs, call_kwargs)
    check_save_and_load(make, inputs, call_kwargs)
    check_mask(make, inputs, call_kwargs, mask)


def check_config(make, inputs, call_kwargs):
    """The configuration is the constructor's arguments, and makes an equal layer."""
    layer = make()
    config = layer.get_config()
    parameters = inspect.signature(type(layer).__init__).parameters.values()
    arguments = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD} - {"self"}
    assert set(config) - {"name", "trainable", "dtype"} == arguments
    json.dumps(config)

    outputs = flat_arrays(layer(*inputs, **call_kwargs))
    randomize_weights(layer)
    outputs = flat_arrays(layer(*inputs, **call_kwargs))
    for copy in (
        type(layer).from_config(config),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)),
    ):
        assert type(copy) is type(layer)
        assert copy.get_config() == config
        copy(*inputs, **call_kwargs)
        copy.set_weights(layer.get_weights())
        assert_all_equal(flat_arrays(copy(*inputs, **call_kwargs)), outputs)


def check_shapes_and_dtypes(make, inputs, call_kwargs, expected_output_shape):
    """Eager, symbolic and declared shapes and dtypes agree, for any batch size and length."""
    layer = make()
    outputs = keras.tree.flatten(layer(*inputs, **call_kwargs))
    assert layer.built
    shapes = [tuple(output.shape) for output in outputs]
    assert shapes == flat_shapes(expected_output_shape)
    taken = inspect.signature(layer.compute_output_shape).parameters
    more = {f"{name}_shape": np.shape(value) for name, value in call_kwargs.items()}
    more = {name: shape for name, shape in more.items() if name in taken}
    declared = flat_shapes(layer.compute_output_shape(*(x.shape for x in inputs), **more))
    assert declared == shapes[: len(declared)]  # What comes on request is not declared.

    symbolic = functional_model(make(), inputs, call_kwargs).outputs
    dtypes = [keras.backend.standardize_dtype(output.dtype) for output in outputs]
    assert [output.dtype for output in symbolic] == dtypes, "symbolic and eager outputs differ"
    for output, shape in zip(symbolic, shapes, strict=True):
        assert len(output.shape) == len(shape)
        assert all(known in (None, size) for known, size in zip(output.shape, shape, strict=True))


def check_fit(make, inputs, call_kwargs, weights_without_gradient):
    """One step of `fit` changes every weight, and all gradients are finite."""
    layer = make()
    model = functional_model(layer, inputs, call_kwargs, projected=True)
    randomize_weights(model)
    feed = model_inputs(inputs, call_kwargs)
    targets = [np.ones(output.shape, "float32") for output in flat_arrays(model(feed))]

    def loss():
        outputs = keras.tree.flatten(model(feed))
        return sum(
            keras.ops.mean((output - target) ** 2)
            for output, target in zip(outputs, targets, strict=True)
        )

    gradients = weight_gradients(loss, model.trainable_weights)
    for weight, gradient in zip(model.trainable_weights, gradients, strict=True):
        assert np.isfinite(gradient).all(), weight.path

    before = [weight.numpy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.SGD(0.1), loss=["mse"] * len(targets), jit_compile=False)
    model.fit(feed, targets, verbose=0)
    assert model.trainable_weights
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert np.isfinite(weight.numpy()).all(), weight.path
        if not weight.path.endswith(weights_without_gradient):
            assert np.abs(weight.numpy() - old).max() > 1e-7, f"{weight.path} did not change"


def check_precision(make, inputs, call_kwargs):
    """Under each dtype policy outputs have the compute dtype, are finite and nearly the same."""
    layer = make(dtype="float32")
    layer(*inputs, **call_kwargs)
    randomize_weights(layer)
    expected = flat_arrays(layer(*inputs, **call_kwargs))
    policies = {"mixed_float16": 0.02, "mixed_bfloat16": 0.15, "float64": 1e-5}
    for policy, tolerance in policies.items():
        if policy == "float64" and BACKEND != "tensorflow":
            continue  # Where Keras has none.
        copy = make(dtype=policy)
        copy(*inputs, **call_kwargs)
        copy.set_weights(layer.get_weights())
        assert all(weight.dtype == copy.variable_dtype for weight in copy.weights)
        outputs = keras.tree.flatten(copy(*inputs, **call_kwargs))
        for output, reference in zip(outputs, expected, strict=True):
            dtype = keras.backend.standardize_dtype(output.dtype)
            # What is counted, such as the edges of a graph, stays so.
            assert dtype == copy.compute_dtype or keras.backend.is_int_dtype(dtype)
            array = keras.ops.convert_to_numpy(keras.ops.cast(output, "float64"))
            assert np.isfinite(array).all()
            np.testing.assert_allclose(array, reference, rtol=tolerance, atol=tolerance)
        symbolic = functional_model(make(dtype=policy), inputs, call_kwargs).outputs
        assert all(
            output.dtype == copy.compute_dtype or keras.backend.is_int_dtype(output.dtype)
            for output in symbolic
        )


def check_save_and_load(make, inputs, call_kwargs):
    """A Functional model with the layer gives the same outputs after `.keras` and back."""
    model = functional_model(make(), inputs, call_kwargs)
    randomize_weights(model)
    feed = model_inputs(inputs, call_kwargs)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        loaded = keras.saving.load_model(path)
    assert_all_equal(flat_arrays(loaded(feed)), flat_arrays(model(feed)))


def check_mask(make, inputs, call_kwargs, mask):
    """A Keras mask on the inputs comes out as declared, eagerly and symbolically."""
    layer = make()
    assert layer.supports_masking == (mask != "unsupported")
    if mask == "unsupported":
        return
    array = inputs[0].copy()
    array[0, -1] = 0.0  # What `Masking` takes for padding.
    eager = keras.layers.Masking()(array)
    symbolic = keras.layers.Masking()(keras.Input(array.shape[1:]))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Keras warns where a mask is lost unintentionally.
        eager_output = keras.tree.flatten(layer(eager, **call_kwargs))[0]
        symbolic_output = keras.tree.flatten(layer(symbolic, **call_kwargs))[0]
    if mask == "dropped":
        assert keras.src.backend.get_keras_mask(eager_output) is None
        assert keras.src.backend.get_keras_mask(symbolic_output) is None
    else:
        expected = np.ones(array.shape[:2], bool)
        expected[0, -1] = False
        np.testing.assert_array_equal(keras.src.backend.get_keras_mask(eager_output), expected)
        assert keras.src.backend.get_keras_mask(symbolic_output) is not None


def functional_model(layer, inputs, call_kwargs, projected=False):
    """A Functional model that calls the layer; `projected` puts something to train before it."""
    nodes = [symbolic_input(array, f"input_{i}") for i, array in enumerate(inputs)]
    named = {
        name: symbolic_input(array, name)
        for name, array in call_kwargs.items()
        if isinstance(array, np.ndarray)
    }
    states = nodes
    if projected:
        states = [
            keras.layers.Dense(array.shape[-1], use_bias=False, name=f"before_{i}")(node)
            for i, (node, array) in enumerate(zip(nodes, inputs, strict=True))
        ]
    return keras.Model([*nodes, *named.values()], layer(*states, **{**call_kwargs, **named}))


def symbolic_input(array, name):
    """An input like the array, open in its batch size and in every axis of size LENGTH."""
    shape = [None if size == LENGTH else size for size in array.shape[1:]]
    return keras.Input(shape, dtype=str(array.dtype), name=name)


def model_inputs(inputs, call_kwargs):
    """What to feed to `functional_model`."""
    return [*inputs, *(array for array in call_kwargs.values() if isinstance(array, np.ndarray))]


def randomize_weights(layer, scale=0.3, seed=0):
    """Sets every weight to noise, so that neither a zero bias nor a unit scale hides a mistake."""
    rng = np.random.default_rng(seed)
    layer.set_weights([rng.normal(scale=scale, size=w.shape) for w in layer.weights])


def named_weights(layer):
    """The weights as float64 arrays, by their paths inside the layer: `query/kernel`."""
    return {w.path.split("/", 1)[1]: w.numpy().astype("float64") for w in layer.weights}


def flat_arrays(outputs):
    """The outputs as a list of float64 arrays."""
    return [
        keras.ops.convert_to_numpy(keras.ops.cast(output, "float64"))
        for output in keras.tree.flatten(outputs)
    ]


def flat_shapes(shapes):
    """One shape or a tuple of shapes, as a list of shapes."""
    return [tuple(shape) for shape in shapes] if isinstance(shapes[0], tuple) else [tuple(shapes)]


def assert_all_equal(outputs, expected):
    """Asserts that two lists of arrays agree to float32 rounding."""
    for output, reference in zip(outputs, expected, strict=True):
        np.testing.assert_allclose(output, reference, rtol=1e-5, atol=1e-6)
