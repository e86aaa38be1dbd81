"""Images in a SavedModel's graph: to the pixel what Pillow makes of them in Python."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from attnzoo.export.image_graph import decode
from attnzoo.zoo.raw_image import RawImage
from attnzoo.zoo.tasks import get_task

from ..zoo.images import encoded, random_pixels

SAMPLES = get_task("image_classification").raw_samples(None)
SHAPES = [(32, 32, 3), (8, 8, 1), (90, 30, 3)]


def check_same_pixels(file, shape):
    np.testing.assert_array_equal(
        decode(tf.constant(file), shape).numpy(), RawImage(file).pixels(shape)
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sample", range(len(SAMPLES)))
def test_every_kind_of_file(sample, shape):
    check_same_pixels(SAMPLES[sample], shape)


@settings(max_examples=60, deadline=None)
@given(
    old=st.tuples(st.integers(1, 200), st.integers(1, 200)),
    new=st.tuples(st.integers(1, 60), st.integers(1, 60)),
    quality=st.integers(10, 95),
    subsampling=st.integers(0, 2),
)
def test_every_size_and_quality_of_jpeg(old, new, quality, subsampling):
    pixels = random_pixels(*old, 3)
    file = encoded(pixels, "JPEG", quality=quality, subsampling=subsampling)
    check_same_pixels(file, (*new, 3))


def test_a_large_photograph():
    check_same_pixels(encoded(random_pixels(1500, 2001, 3), "JPEG"), (224, 224, 3))


def test_a_faster_decoding_of_jpeg_would_differ():
    file = encoded(random_pixels(64, 64, 3), "JPEG", quality=75)
    fast = tf.io.decode_jpeg(file, channels=3, dct_method="INTEGER_FAST").numpy()
    assert (fast != RawImage(file).pixels((64, 64, 3))).any()


def test_files_go_in_and_label_names_come_out(export_of):
    exported = export_of("image_classifier")
    files = [encoded(random_pixels(20, 30, 3)), encoded(random_pixels(12, 8), "JPEG")]
    answers = exported.serving.run("serving_default", {"image_bytes": np.array(files, object)})
    predictions = exported.pipeline(files)
    assert [label.decode() for label in answers["label"]] == [p.label for p in predictions]
    np.testing.assert_allclose(
        answers["probabilities"],
        [list(p.probabilities.values()) for p in predictions],
        rtol=0,
        atol=1e-5,
    )


def test_a_batch_of_none_is_answered_with_none(export_of):
    serving = export_of("image_classifier").serving
    answers = serving.run("serving_default", {"image_bytes": np.array([], object)})
    assert answers["logits"].shape == (0, 3)
