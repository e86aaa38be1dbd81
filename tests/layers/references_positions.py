"""Positions once more in NumPy float64, one number at a time, and what their tests share."""

import math

import numpy as np
from keras import ops

from ..backends import BACKEND
from . import references

# === References ===


def sincos_2d(height, width, hidden_dim):
    """He et al. 2022: a quarter of the channels each for sin and cos of column and of row."""
    quarter = hidden_dim // 4
    table = np.zeros((height * width, hidden_dim))
    for row, column, i in np.ndindex(height, width, quarter):
        frequency = 1.0 / 10000.0 ** (i / quarter)
        vector = table[row * width + column]
        vector[i] = math.sin(column * frequency)
        vector[quarter + i] = math.cos(column * frequency)
        vector[2 * quarter + i] = math.sin(row * frequency)
        vector[3 * quarter + i] = math.cos(row * frequency)
    return table


def convolutional(inputs, kernel, bias, groups, padding_mask=None):
    """`x + gelu(convolution)` of each vector's neighbours, channel by channel."""
    inputs = np.asarray(inputs, "float64")
    states = inputs if padding_mask is None else np.where(padding_mask[:, :, None], inputs, 0.0)
    size, share, hidden_dim = kernel.shape
    found = np.tile(bias, (*inputs.shape[:2], 1))
    for position, tap, channel in np.ndindex(inputs.shape[1], size, hidden_dim):
        neighbour = position + tap - size // 2
        if 0 <= neighbour < inputs.shape[1]:
            first = channel // (hidden_dim // groups) * share
            seen = states[:, neighbour, first : first + share]
            found[:, position, channel] += seen @ kernel[tap, :, channel]
    return inputs + references.gelu(found)


def conditional(inputs, kernel, bias, grid=None, padding_mask=None):
    """Chu et al. 2021: each vector, plus its real neighbours on the grid weighted by channel.

    Args:
        inputs: `(batch, length, hidden_dim)`.
        kernel: `(size, hidden_dim, 1)`, or of a grid `(size, size, hidden_dim, 1)`.
        bias: `(hidden_dim,)`.
        grid: `(height, width)`, or None for a sequence.
        padding_mask: `(batch, length)`, True = real.
    """
    inputs = np.asarray(inputs, "float64")
    height, width = grid or (1, inputs.shape[1])
    if grid is None:
        rows_of_kernel = 1
        kernel = kernel[None]
    else:
        rows_of_kernel = kernel.shape[0]
    outputs = inputs + bias
    taps = np.ndindex(inputs.shape[0], height, width, rows_of_kernel, kernel.shape[1])
    for b, row, column, i, j in taps:
        y, x = row + i - rows_of_kernel // 2, column + j - kernel.shape[1] // 2
        neighbour = y * width + x
        if not (0 <= y < height and 0 <= x < width):
            continue
        if padding_mask is None or padding_mask[b, neighbour]:
            outputs[b, row * width + column] += kernel[i, j, :, 0] * inputs[b, neighbour]
    return outputs


def rotary(states, start_index=0, max_wavelength=10000.0):
    """Su et al. 2021: each pair of channels is a complex number, multiplied by `e^(i m θ)`."""
    states = np.asarray(states, "float64")
    half = states.shape[-1] // 2
    outputs = np.zeros(states.shape)
    for position, pair in np.ndindex(states.shape[-2], half):
        angle = (start_index + position) / max_wavelength ** (2 * pair / states.shape[-1])
        number = states[..., position, pair] + 1j * states[..., position, half + pair]
        turned = number * complex(math.cos(angle), math.sin(angle))
        outputs[..., position, pair] = turned.real
        outputs[..., position, half + pair] = turned.imag
    return outputs


def rotary_of_neighbours(states, max_wavelength=10000.0):
    """Su et al. 2021, equation 34: channels 2i and 2i + 1 are a pair."""
    states = np.asarray(states, "float64")
    key_dim = states.shape[-1]
    theta = np.repeat([max_wavelength ** (-2 * i / key_dim) for i in range(key_dim // 2)], 2)
    angle = np.arange(states.shape[-2])[:, None] * theta
    swapped = np.stack([-states[..., 1::2], states[..., ::2]], axis=-1).reshape(states.shape)
    return states * np.cos(angle) + swapped * np.sin(angle)


def rotary_as_in_llama(states, start_index=0, max_wavelength=10000.0):
    """`apply_rotary_pos_emb` of Hugging Face's LLaMA: `x cos + rotate_half(x) sin`."""
    states = np.asarray(states, "float64")
    key_dim = states.shape[-1]
    inverse_frequency = 1.0 / max_wavelength ** (np.arange(0, key_dim, 2) / key_dim)
    frequencies = np.outer(start_index + np.arange(states.shape[-2]), inverse_frequency)
    embedding = np.concatenate([frequencies, frequencies], axis=-1)
    first, second = states[..., : key_dim // 2], states[..., key_dim // 2 :]
    rotate_half = np.concatenate([-second, first], axis=-1)
    return states * np.cos(embedding) + rotate_half * np.sin(embedding)


def clip(offset, max_distance):
    """Shaw et al. 2018, section 3.2."""
    return max(-max_distance, min(max_distance, int(offset)))


def bias(row_of_offset, table, offsets):
    """Each head's number for each offset, `(heads, *offsets.shape)`; `table` is `(rows, heads)`."""
    result = np.zeros((table.shape[1], *offsets.shape))
    for index in np.ndindex(offsets.shape):
        result[(slice(None), *index)] = table[row_of_offset(offsets[index])]
    return result


def relative(table, offsets):
    """The table's rows are offsets from -max_distance on."""
    max_distance = len(table) // 2
    return bias(lambda offset: clip(offset, max_distance) + max_distance, table, offsets)


def t5_bucket(offset, num_buckets=32, max_distance=128, bidirectional=True):
    """`_relative_position_bucket` of Hugging Face's T5, in float32 as it is there."""
    bucket, distance = 0, -min(offset, 0)
    if bidirectional:
        num_buckets //= 2
        bucket, distance = num_buckets if offset > 0 else 0, abs(offset)
    max_exact = num_buckets // 2
    if distance < max_exact:
        return bucket + distance
    logarithm = np.log(np.float32(distance) / np.float32(max_exact))
    share = logarithm / np.float32(math.log(max_distance / max_exact))
    if_large = max_exact + int(share * np.float32(num_buckets - max_exact))
    return bucket + min(if_large, num_buckets - 1)


def shaw(query, table, offsets):
    """Shaw et al. 2018, the second term of equation 4: `x_i W^Q (a_ij)^T / sqrt(d_z)`."""
    query = np.asarray(query, "float64")
    max_distance = len(table) // 2
    blocked = query.ndim == 5
    scores = np.zeros((*query.shape[:-1], offsets.shape[-1]))
    for index in np.ndindex(scores.shape):
        *lead, q, k = index
        offset = offsets[(lead[-1], q, k) if blocked and offsets.ndim == 3 else (q, k)]
        vector = table[clip(offset, max_distance) + max_distance]
        scores[index] = query[(*lead, q)] @ vector / math.sqrt(query.shape[-1])
    return scores


def alibi_slopes(heads):
    """Press et al. 2022, `get_slopes` of the authors' `fairseq/models/transformer.py`."""
    if math.log2(heads).is_integer():
        start = 2 ** (-(2 ** -(math.log2(heads) - 3)))
        return [start * start**i for i in range(heads)]
    closest_power = 2 ** math.floor(math.log2(heads))
    others = alibi_slopes(2 * closest_power)[0::2]
    return alibi_slopes(closest_power) + others[: heads - closest_power]


def alibi(heads, offsets):
    """Each head's slope times the distance, `(heads, *offsets.shape)`."""
    return np.stack([-slope * np.abs(offsets.astype("float64")) for slope in alibi_slopes(heads)])


def numerical_gradient(function, array, step=1e-4):
    """Central differences of a scalar function of a float64 array; exact where it is quadratic."""
    gradient = np.zeros(array.shape)
    for index in np.ndindex(array.shape):
        moved = [array.copy(), array.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        gradient[index] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return gradient


# === What the tests share ===


def offsets_between(queries, keys, shift=0):
    """Position of each key less that of each query, `(queries, keys)`."""
    return np.arange(keys)[None, :] - np.arange(queries)[:, None] + shift


def offsets_of_blocks(blocks, queries, keys):
    """Offsets that differ from block to block, `(blocks, queries, keys)`."""
    return np.stack([offsets_between(queries, keys, 2 * block - keys) for block in range(blocks)])


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def array(tensor):
    """A tensor of any dtype as a float64 array."""
    return np.asarray(ops.convert_to_numpy(tensor)).astype("float64")


def compiled(function):
    """The function compiled as the backend does it, with arguments not known beforehand."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function)
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    return function
