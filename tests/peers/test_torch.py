"""The layers against PyTorch's, with PyTorch's weights (`make test-peers`)."""

import numpy as np
import pytest

from attnzoo.layers import MultiHeadSelfAttention, TransformerEncoderBlock

torch = pytest.importorskip("torch", reason="torch is not installed: make test-peers")

BATCH, LENGTH, HIDDEN, HEADS, INTERMEDIATE = 3, 7, 24, 4, 40
TOLERANCE = 2e-6


@pytest.fixture
def states():
    return np.random.default_rng(0).normal(size=(BATCH, LENGTH, HIDDEN)).astype("float32")


@pytest.fixture
def padding_mask():
    return np.arange(LENGTH) < np.array([[7], [4], [1]])


def to_numpy(tensor):
    return tensor.detach().cpu().numpy()


def attention_weights(attention):
    """Torch packs queries, keys and values into one matrix; a Dense kernel is the transpose."""
    kernels = np.split(to_numpy(attention.in_proj_weight), 3)
    biases = np.split(to_numpy(attention.in_proj_bias), 3)
    output = attention.out_proj
    pairs = [*zip(kernels, biases, strict=True), (to_numpy(output.weight), to_numpy(output.bias))]
    return [array for kernel, bias in pairs for array in (kernel.T, bias)]


def dense_weights(linear):
    return [to_numpy(linear.weight).T, to_numpy(linear.bias)]


def norm_weights(norm):
    return [to_numpy(norm.weight), to_numpy(norm.bias)]


def randomize(module):
    """Torch starts biases at zero, where a mistake would not show."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return module.eval()


@pytest.mark.parametrize("causal", [False, True])
def test_self_attention_equals_torch(states, padding_mask, causal):
    torch.manual_seed(0)
    peer = randomize(torch.nn.MultiheadAttention(HIDDEN, HEADS, batch_first=True))
    ours = MultiHeadSelfAttention(num_heads=HEADS, causal=causal)
    ours.build(states.shape)
    ours.set_weights(attention_weights(peer))

    blocked = torch.triu(torch.ones(LENGTH, LENGTH, dtype=torch.bool), 1) if causal else None
    values = torch.from_numpy(states)
    expected, expected_weights = peer(
        values,
        values,
        values,
        key_padding_mask=torch.from_numpy(~padding_mask),
        attn_mask=blocked,
        average_attn_weights=False,
    )
    outputs, weights = ours(states, padding_mask=padding_mask, return_attention_scores=True)

    np.testing.assert_allclose(to_numpy_any(outputs), to_numpy(expected), atol=TOLERANCE)
    np.testing.assert_allclose(to_numpy_any(weights), to_numpy(expected_weights), atol=TOLERANCE)


@pytest.mark.parametrize("normalize_first", [True, False])
def test_encoder_block_equals_torch(states, padding_mask, normalize_first):
    torch.manual_seed(0)
    peer = randomize(
        torch.nn.TransformerEncoderLayer(
            HIDDEN,
            HEADS,
            INTERMEDIATE,
            activation="gelu",
            layer_norm_eps=1e-6,
            batch_first=True,
            norm_first=normalize_first,
        )
    )
    ours = TransformerEncoderBlock(HEADS, INTERMEDIATE, normalize_first=normalize_first)
    ours.build(states.shape)
    for part, weights in (
        (ours.self_attention, attention_weights(peer.self_attn)),
        (ours.attention_norm, norm_weights(peer.norm1)),
        (ours.feed_forward_norm, norm_weights(peer.norm2)),
        (ours.intermediate_dense, dense_weights(peer.linear1)),
        (ours.output_dense, dense_weights(peer.linear2)),
    ):
        part.set_weights(weights)

    # With gradients on, torch takes its plain path and not the fused one, which zeroes padding.
    expected = peer(torch.from_numpy(states), src_key_padding_mask=torch.from_numpy(~padding_mask))
    outputs = to_numpy_any(ours(states, padding_mask=padding_mask))

    np.testing.assert_allclose(
        outputs[padding_mask], to_numpy(expected)[padding_mask], atol=3 * TOLERANCE
    )


def to_numpy_any(tensor):
    """NumPy values of a tensor of whichever backend Keras runs on."""
    import keras

    return keras.ops.convert_to_numpy(tensor)
