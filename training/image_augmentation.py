"""Images changed at random as Keras's own layers do, each batch by one seed."""

import keras
import numpy as np
from keras import layers, ops


class ImageAugmentation:
    """Shifts, flips, distorts, erases and mixes the images of a batch.

    All of it runs on whole batches and on the device, on any backend of Keras. RandomTranslation by
    whole pixels stands for a padded RandomCrop, of which Keras draws one for all images of a batch.

    Args:
        shift: Largest shift along each axis, as a share of the image; black comes in. Defaults to
            0.0.
        flip: Whether half of the images are mirrored. Defaults to False.
        rand_augment: Strength of `RandAugment` in [0, 1], two operations a batch; for RGB only.
            Defaults to 0.0 (none).
        erasing: Share of each image's area that is overwritten by noise, at most. Defaults to 0.0.
        mixup: Alpha of `MixUp`: two images and their labels are blended. Defaults to 0.0 (none).
        cutmix: Alpha of `CutMix`: a part of one image is put into another. With both, a coin
            decides for each batch. Defaults to 0.0 (none).

    Attributes:
        mixes: Whether labels come as a share for each class.

    References:
        Cubuk et al., 2020, "RandAugment"; Zhang et al., 2018, "mixup"; Yun et al., 2019, "CutMix";
        Zhong et al., 2020, "Random erasing data augmentation".
    """

    def __init__(self, shift=0.0, flip=False, rand_augment=0.0, erasing=0.0, mixup=0.0, cutmix=0.0):
        common = {"data_format": "channels_last", "dtype": "float32", "seed": 0}
        self._layers = []
        if shift:
            self._layers.append(
                layers.RandomTranslation(
                    shift, shift, fill_mode="constant", interpolation="nearest", **common
                )
            )
        if flip:
            self._layers.append(layers.RandomFlip("horizontal", **common))
        if rand_augment:
            self._layers.append(layers.RandAugment(factor=rand_augment, **common))
        if erasing:
            self._layers.append(layers.RandomErasing(scale=(0.0, erasing), **common))
        self._mixing = [
            layer(alpha, **common)
            for layer, alpha in ((layers.MixUp, mixup), (layers.CutMix, cutmix))
            if alpha
        ]
        self.mixes = bool(self._mixing)

    def __call__(self, images, labels, num_classes, generator):
        """Returns changed images, and labels as they then are.

        Args:
            images: uint8 `(batch, height, width, channels)`.
            labels: int32 `(batch,)`.
            num_classes: Number of labels that there are.
            generator: NumPy generator, whose chance decides everything.

        Returns:
            uint8 images, and int32 `(batch,)` or, if images are mixed, float32
            `(batch, num_classes)`.
        """
        if not self._layers and not self._mixing:
            return images, labels
        for layer in (*self._layers, *self._mixing):
            _seed(layer, generator)
        for layer in self._layers:
            images = layer(images, training=True)
        if self._mixing:
            layer = self._mixing[generator.integers(len(self._mixing))]
            batch = {"images": images, "labels": np.eye(num_classes, dtype="float32")[labels]}
            batch = layer(batch, training=True)
            images, labels = batch["images"], batch["labels"]
        return ops.cast(ops.round(ops.clip(images, 0, 255)), "uint8"), labels


def _seed(layer, generator):
    """Sets the random states of a layer and of those inside it."""
    for part in layer._flatten_layers():
        state = getattr(part, "generator", None)
        if isinstance(state, keras.random.SeedGenerator):
            state.state.assign(generator.integers(2**31, size=2).astype(state.state.dtype))
