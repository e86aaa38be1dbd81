"""Image classification: one image in, one label out."""

import functools
import io
from typing import ClassVar

import numpy as np

from .classification import Classification
from .interface import BATCH_SIZES, SampleInputs, TensorSpec


class ImageClassification(Classification):
    """An image becomes uint8 pixels of one shape; the logits become the most probable label."""

    name = "image_classification"
    raw_input = "image_bytes"
    # The kind of a SavedModel's signature that answers checked raw inputs.
    served_kind = "raw"
    masks: ClassVar = {}  # Images of one shape have no padding.
    # Everything that the preprocessor needs is in the configuration.
    preprocessor_files = ()
    command_example = "photo.jpg"
    # Lines of Python that make the tensors for ONNX Runtime, one axis after the other as here.
    client_example = (
        "import numpy",
        "from PIL import Image",
        "_, height, width, channels = session.get_inputs()[0].shape",
        'image = Image.open("photo.jpg").convert("RGB")',
        'image = image.convert("L") if channels == 1 else image',
        "for size in ((width, image.height), (width, height)):",
        "    image = image.resize(size, Image.Resampling.BILINEAR)",
        "images = numpy.asarray(image).reshape(1, height, width, channels)",
    )

    def raw_samples(self, config):
        """Returns files that decoded and resized in a graph could differ from Pillow's."""
        return _encoded_samples()

    def inputs(self, config):
        """Returns the tensors that an artefact takes."""
        height, width, channels = config.image_shape
        colours = "RGB" if channels == 3 else "grey"
        return (
            TensorSpec(
                "images", "uint8", ("batch", height, width, channels), f"{colours} in 0 to 255"
            ),
        )

    def sample(self, config, lengths, seed=0, length=None):
        """Returns random images, as many as there are lengths; their values mean nothing here.

        Returns:
            Dict `images (batch, height, width, channels)` uint8.
        """
        generator = np.random.default_rng(seed)
        images = generator.integers(0, 256, (len(lengths), *config.image_shape), "uint8")
        return {"images": images}

    def fill_padding(self, config, inputs, generator):
        """Returns `inputs`: images have no padding."""
        return inputs

    def samples(self, config, generator):
        """Yields the `SampleInputs` that an artefact is verified by: noise, black and white."""
        for batch in BATCH_SIZES:
            images = self.sample(config, [1] * batch, seed=batch)
            yield SampleInputs(f"batch{batch}", images, images)
        for name, value in (("black", 0), ("white", 255)):
            images = {"images": np.full((2, *config.image_shape), value, "uint8")}
            yield SampleInputs(name, images, images)

    def tensors(self, batch):
        """Returns an artefact's inputs for a batch of `ImagePreprocessor.collate`."""
        return batch

    def served_batch(self, images):
        """Returns the inputs of the raw signature, for checked images."""
        encoded = np.empty(len(images), object)
        encoded[:] = [image.encoded() for image in images]
        return {"image_bytes": encoded}

    def longest(self, config):
        """Returns 1: no dimension but the batch is dynamic."""
        return 1

    def load_preprocessor(self, folder, config):
        """Returns the preprocessor, which the configuration decides."""
        from ..image_preprocessor import ImagePreprocessor

        return ImagePreprocessor(config.image_shape, config.position_names)


@functools.cache
def _encoded_samples():
    """Returns JPEG and PNG files of many kinds and sizes, which noise and a gradient fill."""
    from PIL import Image

    generator = np.random.default_rng(0)

    def image(mode, height, width):
        channels = len(Image.new(mode, (1, 1)).getbands())
        noise = generator.integers(0, 128, (height, width, channels), "uint8")
        slope = np.linspace(0, 127, width).astype("uint8")[:, None]
        return Image.fromarray((noise + slope).squeeze(-1) if channels == 1 else noise + slope)

    def encoded(image, file_format, **options):
        file = io.BytesIO()
        image.save(file, file_format, **options)
        return file.getvalue()

    return (
        encoded(image("RGB", 32, 32), "JPEG", quality=75),
        encoded(image("RGB", 67, 101), "JPEG", quality=90, subsampling=0),
        encoded(image("RGB", 240, 150), "JPEG", quality=50, progressive=True),
        encoded(image("L", 33, 20), "JPEG"),
        encoded(image("RGB", 9, 300), "PNG"),
        encoded(image("RGBA", 50, 40), "PNG"),
        encoded(image("LA", 31, 47), "PNG"),
        encoded(image("L", 1, 1), "PNG"),
        encoded(image("RGB", 40, 40).quantize(16), "PNG"),
    )
