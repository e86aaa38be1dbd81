import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers.masks import combined_mask, keras_mask, zeros_for_padding

from . import references


def heads(batch, num_heads, length):
    return np.zeros((batch, num_heads, length, 1), "float32")


@given(
    sizes=st.tuples(*[st.integers(1, 4)] * 4),
    rank=st.sampled_from([None, 2, 3, 4]),
    padding=st.booleans(),
    causal=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_joined_mask_allows_what_every_part_allows(sizes, rank, padding, causal, seed):
    batch, num_heads, queries, keys = sizes
    rng = np.random.default_rng(seed)
    shapes = {2: (queries, keys), 3: (batch, queries, keys), 4: (batch, num_heads, queries, keys)}
    masks = {
        "padding_mask": rng.random((batch, keys)) < 0.6 if padding else None,
        "attention_mask": rng.random(shapes[rank]) < 0.6 if rank else None,
        "causal": causal,
    }
    mask = combined_mask(heads(batch, num_heads, queries), heads(batch, num_heads, keys), **masks)
    expected = references.allowed_pairs(batch, num_heads, queries, **masks, key_length=keys)
    if mask is None:
        assert expected.all()
    else:
        assert keras.backend.standardize_dtype(mask.dtype) == "bool"
        np.testing.assert_array_equal(np.broadcast_to(mask, expected.shape), expected)


def test_without_any_part_there_is_no_mask():
    assert combined_mask(heads(1, 1, 3), heads(1, 1, 3)) is None


@pytest.mark.parametrize("shape", [(3,), (1, 1, 1, 3, 3)])
def test_an_attention_mask_of_another_rank_is_refused(shape):
    with pytest.raises(ValueError, match=r"expected \(query, key\).*attention_mask\.shape=\("):
        combined_mask(heads(1, 1, 3), heads(1, 1, 3), attention_mask=np.ones(shape, bool))


def test_the_mask_that_keras_attached_can_be_read():
    token_ids = np.array([[5, 0]])
    states = keras.layers.Embedding(6, 2, mask_zero=True)(token_ids)
    np.testing.assert_array_equal(keras_mask(states), [[True, False]])
    assert keras_mask(keras.layers.Embedding(6, 2)(token_ids)) is None


@pytest.mark.parametrize("inner", [(3,), (3, 2)], ids=str)
def test_padding_becomes_zeros_whatever_it_was(inner):
    states = np.random.default_rng(0).normal(size=(2, 4, *inner)).astype("float32")
    states[1, 2:] = np.nan
    mask = np.arange(4) < np.array([[4], [2]])
    received = zeros_for_padding(keras.ops.convert_to_tensor(states), mask)
    expected = np.where(mask.reshape(2, 4, *[1] * len(inner)), states, 0)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(received), expected)
    assert zeros_for_padding(states, None) is states
