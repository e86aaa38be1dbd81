"""Images changed at random: what stays as it was, what decides the chance, what labels become."""

import numpy as np
import pytest

from attnzoo.training import ImageAugmentation

from ..zoo.images import random_pixels

IMAGES = random_pixels(16, 8, 8, 3)
LABELS = (np.arange(16) % 4).astype("int32")
EVERYTHING = {
    "shift": 0.25,
    "flip": True,
    "rand_augment": 0.3,
    "erasing": 0.2,
    "mixup": 0.2,
    "cutmix": 1.0,
}


def augmented(seed=0, images=IMAGES, **options):
    images, labels = ImageAugmentation(**options)(images, LABELS, 4, np.random.default_rng(seed))
    return np.asarray(images), np.asarray(labels)


def test_nothing_asked_for_changes_nothing():
    images, labels = augmented()
    np.testing.assert_array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, LABELS)


@pytest.mark.parametrize("option", EVERYTHING)
def test_each_changes_images_and_keeps_them_images(option):
    images, _ = augmented(**{option: EVERYTHING[option]})
    assert images.shape == IMAGES.shape
    assert images.dtype == np.uint8
    assert (images != IMAGES).any()


def test_one_chance_decides_all_of_it():
    first, same, other = (augmented(seed, **EVERYTHING) for seed in (1, 1, 2))
    for a, b in zip(first, same, strict=True):
        np.testing.assert_array_equal(a, b)
    assert (first[0] != other[0]).any()


def test_a_shift_moves_whole_pixels_and_each_image_by_itself():
    images, _ = augmented(shift=0.25)
    shifts = set()
    for before, after in zip(IMAGES, images, strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)))
        found = [
            (row, column)
            for row in range(5)
            for column in range(5)
            if np.array_equal(padded[row : row + 8, column : column + 8], after)
        ]
        assert len(found) == 1
        shifts |= set(found)
    assert len(shifts) > 5


def test_a_flip_mirrors_about_half_of_the_images():
    images, _ = augmented(flip=True)
    mirrored = [np.array_equal(a[:, ::-1], b) for a, b in zip(IMAGES, images, strict=True)]
    kept = [np.array_equal(a, b) for a, b in zip(IMAGES, images, strict=True)]
    assert np.all(np.logical_xor(mirrored, kept))
    assert 3 < sum(mirrored) < 13


@pytest.mark.parametrize("option", ["mixup", "cutmix"])
def test_mixed_labels_are_shares_of_what_is_in_the_image(option):
    whole = np.broadcast_to((LABELS * 60)[:, None, None, None], (16, 64, 64, 3)).astype("uint8")
    images, labels = augmented(images=whole, **{option: 1.0})
    assert labels.shape == (16, 4)
    np.testing.assert_allclose(labels.sum(axis=1), 1.0, atol=1e-5)
    # A pixel is 60 times its label, so the mean of an image tells the mean of its labels.
    # Keras reckons a part that was cut in fractions of pixels, two rows of which are 1 / 32.
    np.testing.assert_allclose(images.mean(axis=(1, 2, 3)), labels @ (np.arange(4) * 60), atol=6)
    assert ((labels > 0).sum(axis=1) == 2).any()
