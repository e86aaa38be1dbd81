"""Linear, Nyström and graph attention once more in NumPy float64, from the papers, by plain loops.

Also gradients of such functions, by differences.
"""

import itertools
import math

import numpy as np

from . import references


def heads_of(inputs, weights, num_heads):
    """Queries, keys and values of self-attention, each `(batch, heads, length, size)`."""
    inputs = np.asarray(inputs, "float64")
    projected = [references.dense(inputs, weights, name) for name in ("query", "key", "value")]
    return [np.stack(np.split(x, num_heads, axis=-1), axis=1) for x in projected]


def combined(heads, weights):
    """The heads `(batch, heads, length, size)` side by side, through the output projection."""
    concatenated = np.concatenate(list(np.moveaxis(heads, 1, 0)), axis=-1)
    return references.dense(concatenated, weights, "attention_output")


# === Linear attention ===


def elu_plus_one(states):
    """Katharopoulos et al. 2020, equation 7."""
    return np.where(states > 0, states, np.exp(np.minimum(states, 0)) - 1) + 1


def favor(states, projection):
    """Choromanski et al. 2021, equation 5 with f = exp and h(x) = exp(-|x|² / 2)."""
    scaled = states / states.shape[-1] ** 0.25
    norm = (scaled**2).sum(-1, keepdims=True)
    return np.exp(scaled @ projection) * np.exp(-norm / 2) / math.sqrt(projection.shape[1])


def linear_self_attention(inputs, weights, num_heads, feature_map, allowed):
    """Katharopoulos et al. 2020, equation 3: all pairs, with a similarity that is a product.

    `allowed` is `(batch, heads, query, key)`.
    """
    query, key, value = heads_of(inputs, weights, num_heads)
    heads = np.zeros((*query.shape[:3], value.shape[-1]))
    for b, h, i in np.ndindex(heads.shape[:3]):
        similar = {
            j: feature_map(query[b, h, i]) @ feature_map(key[b, h, j])
            for j in range(key.shape[2])
            if allowed[b, h, i, j]
        }
        if similar:
            total = sum(similar.values())
            heads[b, h, i] = sum(s / total * value[b, h, j] for j, s in similar.items())
    return combined(heads, weights)


# === Nyström attention ===


def segments(num_tokens, num_landmarks):
    """Which tokens each landmark is the mean of: lists that part the tokens as evenly as can be."""
    if num_tokens <= num_landmarks:
        return [[i] for i in range(num_tokens)]
    bounds = [math.ceil(s * num_tokens / num_landmarks) for s in range(num_landmarks + 1)]
    return [list(range(a, b)) for a, b in itertools.pairwise(bounds)]


def iterated_inverse(matrix, num_iterations):
    """Xiong et al. 2021, equation 11."""
    identity = np.eye(len(matrix))
    z = matrix.T / (np.abs(matrix).sum(0).max() * np.abs(matrix).sum(1).max())
    for _ in range(num_iterations):
        az = matrix @ z
        z = 0.25 * z @ (13 * identity - az @ (15 * identity - az @ (7 * identity - az)))
    return z


def nystrom_self_attention(
    inputs, weights, num_heads, num_landmarks, inverse, padding_mask, with_convolution=False
):
    """Xiong et al. 2021, equation 13, for the real tokens of each sequence and head alone.

    What padded positions gather is not computed: NaN.
    """
    query, key, value = heads_of(inputs, weights, num_heads)
    heads = np.full((*query.shape[:3], value.shape[-1]), np.nan)
    scale = math.sqrt(query.shape[-1])
    for b, h in np.ndindex(heads.shape[:2]):
        real = np.flatnonzero(padding_mask[b])
        if not len(real):
            continue
        q, k, v = query[b, h, real], key[b, h, real], value[b, h, real]
        parts = segments(len(real), num_landmarks)
        q_landmarks = np.stack([q[part].mean(0) for part in parts])
        k_landmarks = np.stack([k[part].mean(0) for part in parts])
        f = references.softmax(q @ k_landmarks.T / scale)
        a = references.softmax(q_landmarks @ k_landmarks.T / scale)
        b_ = references.softmax(q_landmarks @ k.T / scale)
        heads[b, h, real] = f @ inverse(a) @ b_ @ v
        if with_convolution:
            heads[b, h, real] += convolved(value[b, h], padding_mask[b], weights, h)[real]
    return combined(heads, weights)


def convolved(value, padding_mask, weights, head):
    """The head's kernel along values `(length, size)`; padding and what is outside are zeros."""
    kernel = weights["conv/kernel"][:, head, 0]
    outputs = np.zeros_like(value)
    for i, tap in np.ndindex(len(value), len(kernel)):
        j = i + tap - len(kernel) // 2
        if 0 <= j < len(value) and padding_mask[j]:
            outputs[i] += kernel[tap] * value[j]
    return outputs


# === Graph attention ===


def leaky_relu(x, slope):
    return np.where(x > 0, x, slope * x)


def graph_attention(
    node_features,
    edges,
    weights,
    units,
    num_heads,
    score,
    concat=True,
    add_self_loops=True,
    negative_slope=0.2,
):
    """Veličković et al. 2018 and Brody et al. 2022, node by node, with the weights of each edge.

    The score of an edge is taken as the papers write it: for `gat` the vector `a` of twice the
    units with `W h_i` and `W h_j` side by side, for `gatv2` the matrix of twice the inputs with
    `h_i` and `h_j` side by side.
    """
    x = np.asarray(node_features, "float64")
    pairs = [tuple(edge) for edge in np.asarray(edges) if min(edge) >= 0]
    if add_self_loops:
        pairs = [(j, i) for j, i in pairs if i != j] + [(i, i) for i in range(len(x))]
    heads = np.zeros((len(x), num_heads, units))
    coefficients = [{} for _ in range(num_heads)]
    for h in range(num_heads):
        columns = slice(h * units, (h + 1) * units)
        w = weights["value/kernel"][:, columns]

        def relevance(i, j, h=h, columns=columns, w=w):
            if score == "gat":
                a = np.concatenate([weights["query_score"][h], weights["key_score"][h]])
                return leaky_relu(a @ np.concatenate([x[i] @ w, x[j] @ w]), negative_slope)
            if score == "gatv2":
                both = np.concatenate([weights["query/kernel"][:, columns], w])
                states = np.concatenate([x[i], x[j]]) @ both
                return weights["edge_score"][h] @ leaky_relu(states, negative_slope)
            query = x[i] @ weights["query/kernel"][:, columns]
            key = x[j] @ weights["key/kernel"][:, columns]
            return query @ key / math.sqrt(units)

        for i in range(len(x)):
            sources = [j for j, target in pairs if target == i]
            if sources:
                alphas = references.softmax([relevance(i, j) for j in sources])
                heads[i, h] = sum(
                    alpha * (x[j] @ w) for alpha, j in zip(alphas, sources, strict=True)
                )
                coefficients[h].update({(j, i): a for a, j in zip(alphas, sources, strict=True)})
    outputs = heads.reshape(len(x), -1) if concat else heads.mean(axis=1)
    return outputs + weights.get("bias", 0.0), coefficients


# === Gradients ===


def numerical_gradient(function, array, step=1e-5):
    """The gradient of a scalar function at a float64 array, by central differences."""
    array = np.array(array, "float64")
    gradient = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        values = []
        for sign in (1, -1):
            moved = array.copy()
            moved[index] += sign * step
            values.append(function(moved))
        gradient[index] = (values[0] - values[1]) / (2 * step)
    return gradient
