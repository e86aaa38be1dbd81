import keras
import numpy as np
import pytest

from attnzoo import zoo
from attnzoo.layers import MultiHeadSelfAttention
from attnzoo.zoo.config import EncoderConfig

from .small_models import every_padded_model, model_inputs, sample, small_model

ENCODERS = [n for n in zoo.list_models() if isinstance(zoo.get_config(n), EncoderConfig)]


def inputs_of(model):
    return model_inputs(model, sample(model, lengths=[7, 4]))


@pytest.mark.parametrize("name", ENCODERS)
def test_every_layer_of_a_model_shows_its_weights(name):
    model = small_model(name, num_layers=2)
    inputs = inputs_of(model)
    outputs = np.asarray(model(inputs))
    scores = zoo.attention_scores(model, inputs)
    assert list(scores) == ["encoder_block_0", "encoder_block_1"]
    encoded = keras.Model(model.input, model.get_layer("encoder_block_0").output)(inputs)
    positions = encoded.shape[1]
    for weights in scores.values():
        assert weights.shape == (2, 2, positions, positions)
        np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-5)
    np.testing.assert_array_equal(model(inputs), outputs)


@every_padded_model
def test_padding_is_not_attended_to(name):
    model = small_model(name, num_layers=2)
    for weights in zoo.attention_scores(model, inputs_of(model)).values():
        assert weights.shape == (2, 2, 7, 7)
        assert np.all(weights[1, :, :, 4:] == 0.0)


def test_the_weights_are_those_of_the_layer_at_its_place():
    model = small_model("sentiment_classifier", num_layers=2)
    inputs = inputs_of(model)
    before = keras.Model(model.input, model.get_layer("encoder_block_0").output)
    _, expected = model.get_layer("encoder_block_1")(
        before(inputs), padding_mask=inputs["padding_mask"], return_attention_scores=True
    )
    scores = zoo.attention_scores(model, inputs)
    np.testing.assert_allclose(scores["encoder_block_1"], expected, atol=1e-6)


def test_of_a_graph_the_weights_are_those_of_its_edges_and_of_the_nodes_themselves():
    model = small_model("graph_classifier", num_layers=2)
    inputs = inputs_of(model)
    scores = zoo.attention_scores(model, inputs)
    assert list(scores) == ["attention_0", "attention_1", "logits"]
    graphs, num_edges, _ = inputs["edges"].shape
    nodes = inputs["node_features"].shape[1]
    source, target = np.moveaxis(inputs["edges"], -1, 0)
    for weights in scores.values():
        of_edges, of_nodes = np.split(np.asarray(weights), [graphs * num_edges])
        of_edges = of_edges.reshape(graphs, num_edges, -1)
        totals = of_nodes.reshape(graphs, nodes, -1).copy()
        for graph in range(graphs):
            counts = (target[graph] >= 0) & (source[graph] != target[graph])
            assert np.all(of_edges[graph, ~counts] == 0.0)
            np.add.at(totals[graph], target[graph, counts], of_edges[graph, counts])
        np.testing.assert_allclose(totals, 1.0, atol=1e-5)


def test_a_model_of_your_own_shows_its_weights():
    states = keras.Input((None, 8))
    model = keras.Model(states, MultiHeadSelfAttention(2, name="mine")(states))
    inputs = np.random.default_rng(0).normal(size=(1, 5, 8)).astype("float32")
    assert zoo.attention_scores(model, inputs)["mine"].shape == (1, 2, 5, 5)


def test_a_window_leaves_the_rest_at_zero():
    model = small_model("sentiment_classifier", window=(1, 0))
    (weights,) = zoo.attention_scores(model, inputs_of(model)).values()
    offsets = np.arange(7)[None, :] - np.arange(7)[:, None]
    assert np.all(weights[:, :, (offsets > 0) | (offsets < -1)] == 0.0)


@pytest.mark.parametrize("attention", ["linear", "nystrom"])
def test_attention_without_weights_is_refused(attention):
    model = small_model("sentiment_classifier", attention=attention)
    with pytest.raises(ValueError, match="layers that have attention weights"):
        zoo.attention_scores(model, inputs_of(model))
