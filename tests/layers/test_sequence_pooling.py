import keras
import numpy as np
import pytest
from hypothesis import given
from keras import ops

from attnzoo.layers import SequencePooling

from ..backends import gradients, needs_float64
from . import references
from .strategies import sequences


@given(sequences())
def test_the_mean_is_that_of_the_real_vectors(drawn):
    outputs = SequencePooling("mean")(drawn.inputs, padding_mask=drawn.padding_mask)
    expected = references.mean_pooling(drawn.inputs, drawn.padding_mask)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


@given(sequences())
def test_without_a_mask_all_vectors_are_real(drawn):
    outputs = SequencePooling()(drawn.inputs)
    expected = references.mean_pooling(drawn.inputs, np.ones_like(drawn.padding_mask))
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


@given(sequences())
def test_two_vectors_stand_side_by_side(drawn):
    inputs, mask = drawn.inputs, drawn.padding_mask
    if mask.shape[1] > 1:
        others = references.mean_pooling(inputs[:, 1:], mask[:, 1:])
        first = np.where(mask[:, :1], inputs[:, 0], 0)
        expected = np.concatenate([first, others], axis=1)
        outputs = SequencePooling("cls_mean")(inputs, padding_mask=mask)
        np.testing.assert_allclose(outputs, expected, atol=1e-6)
        layer = SequencePooling("cls_distillation")
        expected = inputs[:, :2].reshape(len(inputs), -1)
        np.testing.assert_array_equal(layer(inputs), expected)
        assert layer.compute_output_shape(inputs.shape) == expected.shape


@given(sequences())
def test_what_the_padding_holds_does_not_matter(drawn):
    other = np.where(drawn.padding_mask[..., None], drawn.inputs, 1e4)
    np.testing.assert_array_equal(
        SequencePooling()(other, padding_mask=drawn.padding_mask),
        SequencePooling()(drawn.inputs, padding_mask=drawn.padding_mask),
    )


@given(sequences())
def test_cls_is_the_first_vector_and_zeros_where_that_is_padding(drawn):
    first = drawn.inputs[:, 0]
    np.testing.assert_array_equal(SequencePooling("cls")(drawn.inputs), first)
    outputs = SequencePooling("cls")(drawn.inputs, padding_mask=drawn.padding_mask)
    np.testing.assert_array_equal(outputs, np.where(drawn.padding_mask[:, :1], first, 0))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_sequence_that_is_all_padding_gives_zeros_with_finite_gradients(dtype):
    inputs = ops.cast(np.random.default_rng(0).normal(size=(2, 3, 4)), dtype)
    layer, padding_mask = SequencePooling(dtype=dtype), np.array([[True] * 3, [False] * 3])
    outputs = layer(inputs, padding_mask=padding_mask)
    assert outputs.dtype == dtype
    assert np.all(np.asarray(outputs[1], "float32") == 0.0)
    (gradient,) = gradients(lambda x: ops.sum(layer(x, padding_mask=padding_mask)), [inputs])
    np.testing.assert_allclose(gradient[0], 1 / 3, rtol=1e-2)
    assert np.all(gradient[1] == 0.0)


@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
def test_a_long_float16_sequence_does_not_overflow(masked):
    inputs = np.full((1, 1000, 2), 300.0, "float16")  # 1000 · 300 > 65504
    masks = {"padding_mask": np.ones((1, 1000), bool)} if masked else {}
    outputs = SequencePooling(dtype="float16")(inputs, **masks)
    np.testing.assert_allclose(outputs, [[300.0, 300.0]])


@needs_float64
@pytest.mark.parametrize("masked", [False, True], ids=["", "masked"])
def test_float64_stays_float64_throughout(masked):
    inputs = np.full((1, 3, 1), 1 / 3)
    masks = {"padding_mask": np.ones((1, 3), bool)} if masked else {}
    outputs = SequencePooling(dtype="float64")(inputs, **masks)
    np.testing.assert_allclose(outputs, [[1 / 3]], rtol=1e-15)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_the_mask_of_an_embedding_is_heeded(policy):
    token_ids = np.array([[3, 4, 0, 0], [1, 2, 3, 4]])
    embedding = keras.layers.Embedding(6, 4, mask_zero=True)
    layer = SequencePooling(dtype=policy)
    expected = layer(np.asarray(embedding(token_ids)), padding_mask=token_ids != 0)

    token_input = keras.Input((None,), dtype="int32")
    model = keras.Model(token_input, layer(embedding(token_input)))
    np.testing.assert_array_equal(layer(embedding(token_ids)), expected)
    np.testing.assert_array_equal(model(token_ids), expected)


@pytest.mark.parametrize("pooling", ["max", None, 1])
def test_an_unknown_pooling_is_refused(pooling):
    with pytest.raises(
        ValueError, match=rf"`pooling`, expected one of \('cls', 'mean', .*pooling={pooling!r}"
    ):
        SequencePooling(pooling)
