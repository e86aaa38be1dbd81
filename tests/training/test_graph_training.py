import keras
import numpy as np
import pytest

from attnzoo import training, zoo
from attnzoo.training import callbacks
from attnzoo.training.callbacks import EpochSeeds
from attnzoo.training.weight_penalty import with_weight_penalty

from .graph_files import toy_graphs, write_records
from .runs import assert_same_run
from .test_resume import Crash, stop

MODEL = "graph_classifier/tiny"
RECIPE = training.get_recipe("demo", "graph_classification")


@pytest.fixture(scope="module")
def karate():
    return training.load_data("demo", "graph_classification", verbose=False)


@pytest.fixture(scope="module")
def rings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rings")
    for seed, name in enumerate(("train", "dev", "test")):
        write_records(folder / f"{name}.jsonl", toy_graphs(60 if name == "train" else 20, seed))
    return training.load_data(folder, "graph_classification", verbose=False)


def test_a_few_labelled_nodes_label_the_rest(karate):
    history = training.fit(MODEL, karate, RECIPE, verbose=0)
    evaluation = training.evaluate(history.pipeline, karate.test)
    assert evaluation.rows == 18
    assert evaluation.accuracy > 0.75
    # What `fit` chose by is what `evaluate` says, of the nodes of the split alone.
    chosen = training.evaluate(history.pipeline, karate.validation)
    assert chosen.rows == 8
    assert chosen.accuracy == pytest.approx(history.best["val_accuracy"])


def test_graphs_are_told_apart(rings):
    recipe = training.get_recipe("scratch", rings.task, epochs=15, batch_size=8)
    history = training.fit(MODEL, rings, recipe, verbose=0, readout="mean")
    assert training.evaluate(history.pipeline, rings.test).accuracy > 0.8
    ring = {"node_features": [[2.0]] * 12, "edges": [[i, (i + 1) % 12] for i in range(12)]}
    assert history.pipeline(ring)[0].label == "ring", "a graph larger than all it has seen"


def test_a_batch_is_padded_and_weighs_what_has_labels(karate):
    pipeline = training.prepare(MODEL, karate)
    ((inputs, labels, weights),) = pipeline.batches(karate.train)
    assert inputs["node_features"].shape == (1, 34, 34)
    assert weights.shape == labels.shape == (1, 34)
    np.testing.assert_array_equal(weights[0], karate.train.labels[0] >= 0)


def test_one_graph_is_padded_once_for_all_epochs(karate, monkeypatch):
    batches = training.prepare(MODEL, karate).make_batches(karate.train)
    make, made = batches.examples.batch, []
    monkeypatch.setattr(
        batches.examples, "batch", lambda *arguments: made.append(1) or make(*arguments)
    )
    dataset = batches.as_dataset()
    assert [len(list(dataset)) for _ in range(3)] == [1, 1, 1]
    assert len(made) == 1


def test_graphs_of_like_size_go_together(rings):
    pipeline = training.prepare(MODEL, rings, readout="sum")
    sizes = [
        inputs["num_nodes"].numpy() for inputs, _ in pipeline.batches(rings.train, batch_size=6)
    ]
    assert sum(map(len, sizes)) == 60
    assert np.mean([size.max() - size.min() for size in sizes]) < 1.5


def test_the_loss_is_the_mean_over_labelled_nodes(karate):
    recipe = RECIPE.replace(epochs=1, label_smoothing=0.0)
    history = training.fit(MODEL, karate, recipe, verbose=0)
    (logits,) = history.pipeline.logits(list(karate.validation.inputs()))
    labels = karate.validation.labels[0]
    logits, labels = logits[labels >= 0].astype("float64"), labels[labels >= 0]
    losses = np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(labels)), labels]
    assert history.best["val_loss"] == pytest.approx(losses.mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("data", "readout", "message"),
    [
        ("karate", "mean", "readout=None` for labels of nodes"),
        ("rings", None, "--set readout=mean"),
    ],
)
def test_a_readout_that_does_not_fit_the_labels_is_refused(request, data, readout, message):
    with pytest.raises(training.DataError, match=message):
        training.prepare(MODEL, request.getfixturevalue(data), readout=readout)


def test_data_of_another_width_are_refused_by_a_trained_pipeline(karate, rings):
    pipeline = training.prepare(MODEL, karate)
    with pytest.raises(ValueError, match="with 34 features"):
        pipeline.batches(rings.train)


def test_a_run_that_crashed_goes_on_as_if_it_had_not(karate, tmp_path, monkeypatch):
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_BACKUPS", 0)
    recipe = RECIPE.replace(epochs=4, weight_penalty=1e-3)
    start = training.prepare(MODEL, karate, attention_dropout=0.3)
    start.save(tmp_path / "start")

    def pipeline():
        return training.prepare(zoo.load(tmp_path / "start"), karate)

    expected = training.fit(pipeline(), karate, recipe, verbose=0)
    with monkeypatch.context() as patch:
        stop(patch, EpochSeeds, "on_epoch_begin", epoch=2)
        with pytest.raises(Crash):
            training.fit(pipeline(), karate, recipe, out=tmp_path / "run", verbose=0)
    resumed = training.fit(None, karate, recipe, out=tmp_path / "run", resume=True, verbose=0)
    assert_same_run(resumed, expected)


def test_the_penalty_is_half_the_sum_of_squared_kernels_in_training_only():
    model = zoo.build(MODEL)
    trained = with_weight_penalty(model, 0.1)
    assert len(trained.weights) == len(model.weights), "no weight is counted twice"
    inputs = {
        "node_features": np.ones((1, 2, 16), "float32"),
        "edges": np.array([[[0, 1]]], "int32"),
        "num_nodes": np.array([2], "int32"),
    }
    kernels = [w for w in model.weights if w.name not in ("bias", "gamma", "beta")]
    assert 0 < len(kernels) < len(model.weights)
    expected = 0.05 * sum(np.square(w.numpy().astype("float64")).sum() for w in kernels)
    trained(inputs, training=True)
    assert float(sum(trained.losses)) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(trained(inputs), model(inputs))
    assert not trained.losses
    keras.backend.clear_session()
