import keras
import numpy as np
import pytest

from attnzoo.layers import BlankPadding, FrameMask, RandomChoice

from .calls import array


@pytest.mark.parametrize("step", [1, 3, 160])
@pytest.mark.parametrize("rest", [0, 1])
def test_a_frame_is_real_if_its_last_step_is(step, rest):
    frames = 5
    rest = min(rest, step - 1)
    steps = frames * step + rest
    for real in range(steps + 1):
        mask = np.arange(steps)[None] < real
        outputs = array(FrameMask(step)(np.zeros((1, frames, 2)), padding_mask=mask))
        assert outputs.tolist() == [[(t + 1) * step <= real for t in range(frames)]]


@pytest.mark.parametrize(("step", "offset"), [(4, 0), (3, 7)])
def test_another_step_may_decide(step, offset):
    for steps in range(offset + 1, offset + 12):
        frames = 1 + (steps - offset - 1) // step
        for real in range(steps + 1):
            mask = np.arange(steps)[None] < real
            outputs = array(FrameMask(step, offset)(np.zeros((1, frames, 2)), padding_mask=mask))
            assert outputs.tolist() == [[t * step + offset < real for t in range(frames)]]


def test_without_a_mask_every_frame_is_real():
    assert array(FrameMask(4)(np.zeros((2, 3, 1)))).tolist() == [[True] * 3] * 2


def test_it_is_kept_with_its_model():
    inputs = {"x": keras.Input((None, 2)), "mask": keras.Input((None,), dtype="bool")}
    model = keras.Model(inputs, FrameMask(2)(inputs["x"], padding_mask=inputs["mask"]))
    copy = keras.Model.from_config(model.get_config())
    feed = {"x": np.zeros((1, 2, 2)), "mask": np.array([[True, True, True, False]])}
    assert array(copy(feed)).tolist() == array(model(feed)).tolist() == [[True, False]]


def test_padding_is_surely_blank():
    logits = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")
    mask = np.arange(4) < np.array([[4], [1]])
    outputs = array(BlankPadding()(logits, padding_mask=mask))
    np.testing.assert_array_equal(outputs[mask], logits[mask])
    probabilities = array(keras.ops.softmax(outputs))[~mask]
    np.testing.assert_array_equal(probabilities, np.tile([1.0, 0.0, 0.0], (3, 1)))
    np.testing.assert_array_equal(array(BlankPadding()(logits)), logits)


def test_a_choice_is_drawn_in_training_only():
    layer, inputs = RandomChoice(4, seed=0), np.zeros((2, 3))
    assert {int(layer(inputs)) for _ in range(5)} == {0}
    drawn = [int(layer(inputs, training=True)) for _ in range(200)]
    counts = np.bincount(drawn, minlength=4)
    assert len(counts) == 4
    assert counts.min() > 25


def test_a_choice_of_nothing_is_refused():
    with pytest.raises(ValueError, match="`num_choices`, expected a positive integer"):
        RandomChoice(0)
