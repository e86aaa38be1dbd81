"""Training of image classifiers: labelled images, decoded once, changed at random."""

from pathlib import Path
from typing import ClassVar

from ...zoo.image_preprocessor import ImagePreprocessor
from ..examples import ImageExamples
from ..held_out import stratified_selection
from ..image_augmentation import ImageAugmentation
from ..image_store import ImageStore
from ..recipe import ImageRecipe
from ..sources import IMAGE_SUFFIXES, DataError, open_images
from .interface import FINETUNING, HEAD, LORA, Training

_FEW_STEPS = {"batch_size": 32, "ema_momentum": 0.99}


class ImageClassificationTraining(Training):
    """One label for each image."""

    name = "image_classification"
    source_options = ("download", "skip_corrupt")
    recipes: ClassVar = {
        "scratch": ImageRecipe(),
        # Images of another resolution have positions between the old ones: those learn, too.
        "finetune": ImageRecipe(**{**FINETUNING, "epochs": 5, "freeze": None}, **_FEW_STEPS),
        "lora": ImageRecipe(**{**LORA, "epochs": 5}, **_FEW_STEPS),
        "head": ImageRecipe(**HEAD, **_FEW_STEPS),
        # Small grey images; a mirrored digit is none.
        "demo": ImageRecipe(
            epochs=60,
            batch_size=64,
            learning_rate=2e-3,
            ema_momentum=0.99,
            patience=60,
            flip=False,
        ),
        # The recipe of a few hours on a GPU, for `image_classifier/cifar`.
        "gpu": ImageRecipe(
            epochs=200,
            batch_size=256,
            learning_rate=1e-3,
            weight_decay=0.06,
            ema_momentum=0.9995,
            patience=200,
            rand_augment=0.5,
            erasing=0.25,
            mixup=0.2,
            cutmix=1.0,
            jit_compile=True,
        ),
    }

    def open_sources(self, spec, download=False, skip_corrupt=False):
        """Returns rows by split and the lines that say how they are read, see `open_images`."""
        return open_images(spec, download, skip_corrupt)

    def read_inputs(self, path, text_column=None):
        """Yields the paths of a folder's images, or those on the lines of a text file."""
        path = Path(path).expanduser()
        if path.is_dir():
            yield from (
                str(p) for p in sorted(path.iterdir()) if p.suffix.lower() in IMAGE_SUFFIXES
            )
            return
        if not path.is_file():
            raise DataError(
                f"Expected a folder of images, or a file with the path of one on each line, at "
                f"{path}; there is none."
            )
        with open(path, encoding="utf-8") as file:
            yield from (line.rstrip("\r\n") for line in file)

    def held_out(self, labels, share, seed):
        """Chooses the rows to hold out for validation, see `stratified_selection`."""
        return stratified_selection(labels, share, seed)

    def learn(self, data, config):
        """Returns the preprocessor; no field of the configuration follows from the data."""
        return self.preprocessor(None, config), {}

    def preprocessor(self, loaded, config):
        """Returns the preprocessor of a loaded pipeline, for the configuration that it now has."""
        return ImagePreprocessor(config.image_shape, getattr(config, "position_names", ()))

    def examples(self, preprocessor, split, **augmentation):
        """Decodes a split once.

        Args:
            preprocessor: `ImagePreprocessor`.
            split: A `Split` of `load_data`.
            **augmentation: See `ImageAugmentation`; nothing by default.

        Returns:
            `ImageExamples`.
        """
        store = ImageStore(preprocessor, split.inputs())
        return ImageExamples(store, split.labels, ImageAugmentation(**augmentation))

    def augmentation(self, recipe):
        """Returns the arguments of `examples` that a recipe asks for in training."""
        names = ("shift", "flip", "rand_augment", "erasing", "mixup", "cutmix")
        return {name: getattr(recipe, name) for name in names}
