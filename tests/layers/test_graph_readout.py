import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attnzoo.layers import GraphReadout, UnitSum

HIDDEN = 4
READOUTS = ["mean", "sum", "log_sum", "max", "attention"]


@st.composite
def graphs(draw):
    """Draws the nodes of padded graphs, some without any."""
    count, size = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    nodes = rng.normal(scale=3.0, size=(count, size, HIDDEN)).astype("float32")
    return nodes, rng.integers(0, size + 1, count).astype("int32")


def expected_readout(readout, nodes, num_nodes, score=None):
    """Graph by graph, in float64."""
    rows = []
    for graph, count in zip(nodes.astype("float64"), num_nodes, strict=True):
        states = graph[:count]
        if not count:
            rows.append(np.zeros(HIDDEN))
        elif readout == "attention":
            scores = states @ score.astype("float64")
            weights = np.exp(scores - scores.max())
            rows.append((states * weights / weights.sum()).sum(axis=0))
        elif readout == "log_sum":
            total = states.sum(axis=0)
            rows.append(np.sign(total) * np.log(1 + np.abs(total)))
        else:
            rows.append(getattr(states, readout)(axis=0))
    return np.array(rows)


@pytest.mark.parametrize("readout", READOUTS)
@given(drawn=graphs())
def test_the_readout_is_that_of_the_real_nodes(readout, drawn):
    nodes, num_nodes = drawn
    layer = GraphReadout(readout)
    outputs = layer(nodes, num_nodes)
    score = layer.score.numpy() if readout == "attention" else None
    np.testing.assert_allclose(
        outputs, expected_readout(readout, nodes, num_nodes, score), atol=1e-5
    )


@pytest.mark.parametrize("readout", READOUTS)
@given(drawn=graphs())
def test_padding_and_the_order_of_nodes_do_not_matter(readout, drawn):
    nodes, num_nodes = drawn
    layer = GraphReadout(readout)
    outputs = np.asarray(layer(nodes, num_nodes))
    other = nodes.copy()
    for graph, count in zip(other, num_nodes, strict=True):
        graph[:count] = graph[:count][::-1]
        graph[count:] = 1e6
    np.testing.assert_allclose(layer(other, num_nodes), outputs, atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_a_large_graph_adds_up_in_float32(dtype):
    nodes = np.full((1, 5000, 1), 0.01, "float32")
    outputs = GraphReadout("sum", dtype=dtype)(nodes, np.array([5000], "int32"))
    np.testing.assert_allclose(np.asarray(outputs, "float32"), 50.0, rtol=1e-2)


def test_an_unknown_readout_is_refused():
    with pytest.raises(ValueError, match=r"expected one of .*readout='median'"):
        GraphReadout("median")


def test_shares_of_a_sum_add_up_to_one_and_zeros_stay_zeros():
    counts = np.array([[1, 0, 3], [0, 0, 0], [-2, 2, 0]], "float32")
    expected = [[0.25, 0, 0.75], [0, 0, 0], [-0.5, 0.5, 0]]
    np.testing.assert_allclose(UnitSum()(counts), expected)
