import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import ops

from attnzoo.layers import GELU

from ..backends import each_dtype, gradients, needs_float64
from . import references

TOLERANCES = {"float64": 1e-12, "float32": 1e-6, "float16": 2e-3, "bfloat16": 2e-2}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", each_dtype(TOLERANCES))
def test_it_is_x_times_the_normal_distribution_function(dtype, training):
    inputs = ops.cast(np.linspace(-6.0, 6.0, 241), dtype)
    outputs = GELU(dtype=dtype)(inputs, training=training)
    assert outputs.dtype == dtype
    expected = references.gelu(ops.cast(inputs, "float64"))
    np.testing.assert_allclose(
        ops.cast(outputs, "float64"), expected, rtol=TOLERANCES[dtype], atol=TOLERANCES[dtype]
    )


def test_published_values():
    # Hendrycks and Gimpel 2016: x Φ(x), with Φ(1) = 0.8413447 and Φ(2) = 0.9772499 from tables.
    outputs = GELU()(np.array([-1.0, 0.0, 1.0, 2.0], "float32"))
    np.testing.assert_allclose(outputs, [-0.1586553, 0.0, 0.8413447, 1.9544998], atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [pytest.param("float64", 1e-12, marks=needs_float64), ("float32", 1e-6)],
)
def test_its_gradient_is_that_of_the_formula(dtype, tolerance, training):
    inputs = np.linspace(-4.0, 4.0, 33).astype(dtype)
    slopes = np.linspace(-2.0, 3.0, 33).astype(dtype)
    layer = GELU(dtype=dtype)
    (gradient,) = gradients(lambda x: ops.sum(slopes * layer(x, training=training)), [inputs])
    expected = slopes * [
        0.5 * math.erfc(-x / math.sqrt(2)) + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
        for x in inputs
    ]
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_its_gradient_in_training_is_finite_where_squares_overflow(dtype):
    inputs = np.array([-6e4, 6e4] if dtype == "float16" else [-1e30, 1e30])
    layer = GELU(dtype=dtype)
    (gradient,) = gradients(
        lambda x: ops.sum(ops.cast(layer(ops.cast(x, dtype), training=True), "float32")),
        [inputs.astype("float32")],
    )
    np.testing.assert_array_equal(gradient, [0.0, 1.0])


@given(st.floats(-1e4, 1e4, width=32))
def test_it_lies_between_zero_and_the_input_but_for_a_small_dip(x):
    output = float(GELU()(np.array([x], "float32"))[0])
    assert min(0.0, x) - 1e-6 <= output <= max(0.0, x) + 1e-6
    assert output > -0.17001
