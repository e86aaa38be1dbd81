"""What Hypothesis draws for the property tests: small sequences of every awkward size."""

from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st


class Sequences(NamedTuple):
    """A drawn batch of sequences."""

    inputs: np.ndarray
    """`(batch, length, hidden_dim)`, float32."""
    padding_mask: np.ndarray
    """`(batch, length)`; any pattern, fully padded sequences and holes included."""
    num_heads: int
    rng: np.random.Generator


@st.composite
def sequences(draw, min_length=1):
    """Draws a batch of sequences with a padding mask and a number of heads that fits."""
    batch, length = draw(st.integers(1, 3)), draw(st.integers(min_length, 7))
    num_heads, head_dim = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    mask = draw(st.lists(st.booleans(), min_size=batch * length, max_size=batch * length))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    inputs = rng.normal(size=(batch, length, num_heads * head_dim)).astype("float32")
    return Sequences(inputs, np.reshape(mask, (batch, length)), num_heads, rng)
