"""Decoding and resizing of images in TensorFlow's graph, to the pixel as Pillow does it."""

import tensorflow as tf

# Pillow resizes with weights in fixed point, of so many bits behind the point.
_PRECISION = 22


def decode(encoded, image_shape):
    """Decodes one JPEG or PNG file and fits it to a shape, as `RawImage.pixels` does.

    Args:
        encoded: Scalar string.
        image_shape: `(height, width, channels)`.

    Returns:
        uint8 `image_shape`.
    """
    # The op decodes PNG too. Its default method for JPEG is faster, and a little off.
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")
    height, width, channels = image_shape
    image = tf.cast(image, tf.int32)
    if channels == 1:
        image = _grey(image)
    image = _resize_width(image, width)
    image = tf.transpose(_resize_width(tf.transpose(image, (1, 0, 2)), height), (1, 0, 2))
    return tf.ensure_shape(tf.cast(image, tf.uint8), image_shape)


def _grey(image):
    """Returns ITU-R 601 luma `(height, width, 1)` in Pillow's integers."""
    weights = tf.constant([19595, 38470, 7471])
    return tf.bitwise.right_shift(
        tf.reduce_sum(image * weights, axis=-1, keepdims=True) + (1 << 15), 16
    )


def _resize_width(image, width):
    """Resizes int32 `(height, old width, channels)` along its rows, rounding to 8 bits."""
    weights = _weights(tf.shape(image)[1], width)
    # Every product and sum is an integer below 2^53: float64 is exact, in any order.
    sums = tf.einsum("ow,hwc->hoc", weights, tf.cast(image, tf.float64))
    return tf.cast(tf.floor((sums + 2.0 ** (_PRECISION - 1)) / 2.0**_PRECISION), tf.int32)


def _weights(old, new):
    """Returns the integer weights `(new, old)` of a triangle filter, as float64."""
    old = tf.cast(old, tf.float64)
    scale = old / new
    reach = tf.maximum(scale, 1.0)
    centres = (tf.range(new, dtype=tf.float64)[:, None] + 0.5) * scale
    first = tf.maximum(tf.floor(centres - reach + 0.5), 0.0)
    last = tf.minimum(tf.floor(centres + reach + 0.5), old)
    pixels = tf.range(old, dtype=tf.float64)[None, :]
    distances = tf.abs((pixels - centres + 0.5) * (1.0 / reach))
    inside = (pixels >= first) & (pixels < last)
    weights = tf.where(inside, tf.maximum(1.0 - distances, 0.0), 0.0)
    weights *= 1.0 / tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.floor(weights * 2.0**_PRECISION + 0.5)
