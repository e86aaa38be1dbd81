"""Images of every kind become the pixels that a model takes, or an error that names them."""

import numpy as np
import pytest
from PIL import Image

from attnzoo.zoo.raw_image import ImageError, RawImage

from .images import encoded, random_pixels

PIXELS = random_pixels(6, 5, 3)


@pytest.mark.parametrize("kind", ["str", "Path", "bytes", "array", "Pillow", "RawImage"])
def test_an_image_may_come_as(kind, tmp_path):
    path = tmp_path / "image.png"
    path.write_bytes(encoded(PIXELS))
    value = {
        "str": str(path),
        "Path": path,
        "bytes": path.read_bytes(),
        "array": PIXELS,
        "Pillow": Image.fromarray(PIXELS),
        "RawImage": RawImage(path.read_bytes()),
    }[kind]
    np.testing.assert_array_equal(RawImage.of(value).pixels((6, 5, 3)), PIXELS)


def test_a_grey_image_has_its_value_in_all_three_channels():
    grey = random_pixels(6, 5)
    for value in (grey, grey[:, :, None], encoded(grey)):
        pixels = RawImage.of(value).pixels((6, 5, 3))
        np.testing.assert_array_equal(pixels, np.repeat(grey[:, :, None], 3, axis=2))


def test_transparency_is_dropped():
    transparent = np.dstack([PIXELS, random_pixels(6, 5, seed=1)])
    for value in (transparent, encoded(transparent)):
        np.testing.assert_array_equal(RawImage.of(value).pixels((6, 5, 3)), PIXELS)


def test_a_colour_image_becomes_grey_by_its_luma():
    pixels = RawImage.of(PIXELS).pixels((6, 5, 1))
    luma = PIXELS.astype("float64") @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(pixels[:, :, 0], luma, atol=0.51)


@pytest.mark.parametrize("dtype", ["uint16", "int32"])
def test_a_sixteen_bit_image_keeps_its_upper_bits(dtype):
    deep = (random_pixels(6, 5).astype(dtype) << 8) + 7
    image = Image.fromarray(deep)
    # PNG has no 32 bits.
    for value in (image, encoded(image)) if dtype == "uint16" else (image,):
        np.testing.assert_array_equal(RawImage.of(value).pixels((6, 5, 1))[:, :, 0], deep >> 8)


def test_half_the_size_is_close_to_the_mean_of_a_smooth_image():
    slope = np.add.outer(np.arange(16) * 5, np.arange(16) * 7).astype("uint8")
    means = slope.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    pixels = RawImage.of(slope).pixels((8, 8, 1))[:, :, 0]
    np.testing.assert_allclose(pixels[1:-1, 1:-1], means[1:-1, 1:-1], atol=1.01)


def test_what_a_served_graph_cannot_read_is_sent_to_it_as_png():
    for file_format in ("BMP", "WEBP", "GIF"):
        file = encoded(PIXELS, file_format)
        sent = RawImage.of(file).encoded()
        assert sent.startswith(b"\x89PNG")
        expected = RawImage.of(file).pixels((6, 5, 3))
        np.testing.assert_array_equal(RawImage.of(sent).pixels((6, 5, 3)), expected)
    jpeg = encoded(PIXELS, "JPEG")
    assert RawImage.of(jpeg).encoded() == jpeg


# === Errors ===


def test_a_damaged_image_is_named(tmp_path):
    whole = encoded(random_pixels(64, 64, 3), "JPEG")
    for name, content in (("cut.jpg", whole[: len(whole) // 2]), ("text.jpg", b"no image")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ImageError, match=f"{name} to be an image"):
            RawImage.of(tmp_path / name).pixels((8, 8, 3))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ImageError, match=r"nowhere\.png; it cannot be read: No such file"):
        RawImage.of(tmp_path / "nowhere.png")


@pytest.mark.parametrize("pixels", [(100, 101), (150, 150)], ids=["more", "twice as many"])
def test_an_image_of_too_many_pixels_is_refused_before_it_is_unpacked(monkeypatch, pixels):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    bomb = encoded(np.zeros(pixels, "uint8"))
    assert len(bomb) < 300
    with pytest.raises(ImageError, match="at most 10,000 pixels"):
        RawImage(bomb, "bomb.png").pixels((8, 8, 1))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((4, 4, 3), "float32"), r"pixels as uint8.*float32 of shape \(4, 4, 3\)"),
        (np.zeros((4, 4, 2), "uint8"), r"1, 3 or 4 channels.*\(4, 4, 2\)"),
        (np.zeros((2, 4, 4, 3), "uint8"), r"\(2, 4, 4, 3\)"),
        (np.zeros((0, 4), "uint8"), r"\(0, 4\)"),
        (3.5, "path of an image.*float"),
    ],
    ids=str,
)
def test_what_is_no_image_is_refused(value, message):
    with pytest.raises(ImageError, match=message):
        RawImage.of(value)
