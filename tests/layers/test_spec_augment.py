import numpy as np
import pytest

from attnzoo.layers import SpecAugment

from .calls import array

BATCH, FRAMES, FEATURES = 400, 50, 20
LENGTHS = np.where(np.arange(BATCH) % 2, 50, 20)
MASK = np.arange(FRAMES) < LENGTHS[:, None]


def hidden(**arguments):
    """Which frame and feature is hidden, `(batch, frames, features)`."""
    layer = SpecAugment(**{"frequency_masks": 0, "time_masks": 0, "seed": 1, **arguments})
    frames = np.ones((BATCH, FRAMES, FEATURES), "float32")
    return array(layer(frames, padding_mask=MASK, training=True)) == 0


def runs(row):
    """Lengths of the runs of True in a row of booleans."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return edges[1::2] - edges[::2]


def test_out_of_training_nothing_is_hidden():
    frames = np.ones((2, 9, 4), "float32")
    np.testing.assert_array_equal(array(SpecAugment()(frames)), frames)
    np.testing.assert_array_equal(array(SpecAugment()(frames, training=False)), frames)


def test_a_band_hides_neighbouring_features_of_all_frames():
    rows = hidden(frequency_masks=1, frequency_mask_width=6)
    np.testing.assert_array_equal(rows, np.broadcast_to(rows[:, :1], rows.shape))
    widths = [runs(row[0]) for row in rows]
    assert all(len(width) <= 1 for width in widths)
    counts = np.bincount([width.sum() for width in widths], minlength=7)
    assert len(counts) == 7, "a band of more than the largest width"
    # Each width from 0 to 6 equally often: chi-squared with 6 degrees of freedom.
    assert ((counts - BATCH / 7) ** 2 / (BATCH / 7)).sum() < 30
    assert rows[:, 0, 0].any(), "the first feature is never hidden"
    assert rows[:, 0, -1].any(), "the last feature is never hidden"


def test_a_stretch_hides_real_frames_up_to_its_share_of_them():
    rows = hidden(time_masks=1, time_mask_share=0.2)
    np.testing.assert_array_equal(rows, np.broadcast_to(rows[:, :, :1], rows.shape))
    counts = rows[:, :, 0].sum(axis=1)
    assert counts[LENGTHS == 50].max() == 10
    assert counts[LENGTHS == 20].max() == 4
    assert not rows[:, :, 0][~MASK].any(), "padding is hidden"
    assert rows[LENGTHS == 20, 19, 0].any(), "the last real frame is never hidden"


def test_several_masks_hide_more():
    few, many = (hidden(time_masks=n, time_mask_share=0.1).mean() for n in (1, 4))
    assert 2 * few < many < 4.5 * few


def test_a_band_is_no_wider_than_the_features():
    assert hidden(frequency_masks=1, frequency_mask_width=99).all(axis=(1, 2)).any()


def test_the_seed_decides():
    assert (hidden(time_masks=2, seed=3) == hidden(time_masks=2, seed=3)).all()
    assert (hidden(time_masks=2, seed=3) != hidden(time_masks=2, seed=4)).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"time_masks": -1}, "`time_masks`, expected a non-negative integer"),
        ({"frequency_masks": 1.5}, "`frequency_masks`, expected a non-negative integer"),
        ({"time_mask_share": 1.1}, r"`time_mask_share`, expected a share in \[0, 1\]"),
    ],
)
def test_what_is_no_number_of_masks_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SpecAugment(**arguments)
