import pytest

from attnzoo.training import History
from attnzoo.training.history import plot_history, read_history, write_history

ROWS = [
    {"epoch": 0, "loss": 0.1 + 0.2, "accuracy": 1 / 3, "val_loss": 1e-17, "val_accuracy": 0.5},
    {"epoch": 1, "loss": float("inf"), "accuracy": 0.5, "val_loss": 12.0, "val_accuracy": 0.25},
]


def test_a_history_comes_back_to_the_last_bit(tmp_path):
    write_history(tmp_path / "history.csv", ROWS)
    rows = read_history(tmp_path / "history.csv")
    assert rows == ROWS
    assert isinstance(rows[0]["epoch"], int)
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_the_file_is_a_plain_table(tmp_path):
    write_history(tmp_path / "history.csv", ROWS[:1])
    first, second = (tmp_path / "history.csv").read_text().splitlines()
    assert first == "epoch,loss,accuracy,val_loss,val_accuracy"
    assert second.startswith("0,0.30000000000000004,")


def test_a_run_of_no_epoch_has_no_rows(tmp_path):
    assert read_history(tmp_path / "history.csv") == []
    write_history(tmp_path / "history.csv", [])
    assert read_history(tmp_path / "history.csv") == []


def test_it_reads_like_the_history_of_keras():
    history = History(ROWS, best_epoch=0, pipeline=None, seconds=1.0)
    assert history.history["val_accuracy"] == [0.5, 0.25]
    assert list(history.history) == list(ROWS[0])
    assert history.best == ROWS[0]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1]], ids=["two epochs", "one epoch"])
def test_a_learning_curve_is_drawn(tmp_path, rows):
    from matplotlib.image import imread

    plot_history(tmp_path / "curve.png", rows, best_epoch=0)
    image = imread(tmp_path / "curve.png")
    assert image.shape == (432, 1080, 4)
    assert image[..., :3].std() > 0.05
