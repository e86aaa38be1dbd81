"""Configuration and presets of the image classifier (imports no Keras)."""

from dataclasses import dataclass
from typing import ClassVar

from ..config import EncoderConfig, check_num_classes

_STEMS = ("patch", "convolutional")
_POOLINGS = ("cls", "mean", "cls_mean", "cls_distillation")


@dataclass(frozen=True)
class ImageClassifierConfig(EncoderConfig):
    """An image in, one label out: patches, encoder, pooling, logits.

    Args:
        image_shape: `(height, width, channels)`; 1 channel is grey, 3 are RGB. Defaults to
            `(224, 224, 3)`.
        patch_size: Height and width of the patches that become vectors, in pixels. Defaults to 16.
        stem: `"patch"` projects each patch by itself; `"convolutional"` comes to as many vectors
            by 3×3 convolutions and pooling, which learn faster from few images, see
            `zoo.encoder.image_embedding`. Defaults to `"patch"`.
        pixel_mean: Subtracted from pixels in [0, 1]: one number, or one for each channel. Defaults
            to `(0.5,)`.
        pixel_std: What they are then divided by, likewise. Defaults to `(0.5,)`.
        embedding_dropout: Rate on the embedded patches. Defaults to 0.0.
        num_classes: Number of labels; 0 gives the backbone, which returns the pooled vector.
            Defaults to 10.
        pooling: `"cls"`, a class token, `"mean"` over patches, `"cls_mean"`, both, or
            `"cls_distillation"`, the class token and the distillation token. Defaults to `"cls"`.
        distillation_token: Whether a second token follows the class token. Defaults to False.
        classifier_activation: Activation of the output. Defaults to None (logits).

    Raises:
        ValueError: If the patches do not fill the image, `num_classes` is neither 0 nor at least 2,
            or a field is out of its range.
    """

    dropout: float = 0.0
    position: str | None = "learned"
    image_shape: tuple[int, int, int] = (224, 224, 3)
    patch_size: int = 16
    stem: str = "patch"
    pixel_mean: tuple[float, ...] = (0.5,)
    pixel_std: tuple[float, ...] = (0.5,)
    embedding_dropout: float = 0.0
    num_classes: int = 10
    pooling: str = "cls"
    distillation_token: bool = False
    classifier_activation: str | None = None

    # Another resolution keeps the weights: positions are interpolated.
    free_fields: ClassVar[tuple[str, ...]] = (
        *EncoderConfig.free_fields,
        "classifier_activation",
        "embedding_dropout",
        "image_shape",
        "num_classes",
    )
    positive_fields: ClassVar[tuple[str, ...]] = (*EncoderConfig.positive_fields, "patch_size")
    rate_fields: ClassVar[tuple[str, ...]] = (*EncoderConfig.rate_fields, "embedding_dropout")

    def __post_init__(self):
        super().__post_init__()
        check_num_classes(self.num_classes)
        for name in ("image_shape", "pixel_mean", "pixel_std"):  # JSON gives lists back.
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name, known in (("stem", _STEMS), ("pooling", _POOLINGS)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"Received an invalid value for `{name}`, expected one of {known}. "
                    f"Received: {name}={getattr(self, name)!r}"
                )
        if self.distillation_token and self.pooling not in ("cls", "cls_distillation"):
            raise ValueError(
                "Expected `distillation_token` with `pooling` 'cls' or 'cls_distillation'. "
                f"Received: distillation_token=True, pooling={self.pooling!r}"
            )
        if self.pooling == "cls_distillation" and not self.distillation_token:
            raise ValueError(
                "Expected `distillation_token=True` with pooling='cls_distillation'. "
                "Received: distillation_token=False"
            )
        self._check_image_shape()
        self._check_pixels()

    def _check_image_shape(self):
        sizes = [size for size in self.image_shape if type(size) is int and size > 0]
        if len(self.image_shape) != 3 or len(sizes) != 3 or self.image_shape[2] not in (1, 3):
            raise ValueError(
                "Received an invalid value for `image_shape`, expected (height, width, channels) "
                f"with 1 or 3 channels. Received: image_shape={self.image_shape}"
            )
        height, width, _ = self.image_shape
        if height % self.patch_size or width % self.patch_size:
            raise ValueError(
                "Expected height and width of `image_shape` to be multiples of `patch_size`. "
                f"Received: image_shape={self.image_shape}, patch_size={self.patch_size}"
            )
        if self.stem == "convolutional" and self.patch_size.bit_count() != 1:
            raise ValueError(
                "Expected `patch_size` to be a power of 2 with a convolutional stem, each stage of "
                f"which halves the image. Received: patch_size={self.patch_size}"
            )

    def _check_pixels(self):
        for name in ("pixel_mean", "pixel_std"):
            values = getattr(self, name)
            if len(values) not in (1, self.image_shape[2]) or (
                name == "pixel_std" and min(values) <= 0
            ):
                raise ValueError(
                    f"Received an invalid value for `{name}`, expected one number or one for each "
                    "of the channels, and deviations above 0. "
                    f"Received: {name}={values}, image_shape={self.image_shape}"
                )

    @property
    def grid(self):
        """Rows and columns of patches, `(height, width)`."""
        height, width, _ = self.image_shape
        return height // self.patch_size, width // self.patch_size

    @property
    def position_names(self):
        """What the encoder's positions are called on an axis: `row,column` of each patch."""
        rows, columns = self.grid
        patches = [f"{row},{column}" for row in range(rows) for column in range(columns)]
        return [*self._tokens, *patches]

    @property
    def pooled_dim(self):
        """Size of the pooled vector."""
        return self.hidden_dim * (1 if self.pooling in ("cls", "mean") else 2)

    @property
    def _tokens(self):
        tokens = [] if self.pooling == "mean" else ["class"]
        return [*tokens, "distillation"] if self.distillation_token else tokens

    def adapted_weights(self, saved, layer, weights):
        """Returns weights for this resolution; learned positions are interpolated."""
        if layer == "position" and self.position == "learned" and saved.grid != self.grid:
            from ..interpolation import interpolate_grid

            return [interpolate_grid(table, saved.grid, self.grid) for table in weights]
        return weights


PRESETS = {
    "tiny": ImageClassifierConfig(hidden_dim=192, intermediate_dim=768, num_layers=12, num_heads=3),
    "small": ImageClassifierConfig(
        hidden_dim=384, intermediate_dim=1536, num_layers=12, num_heads=6
    ),
    "base": ImageClassifierConfig(
        hidden_dim=768, intermediate_dim=3072, num_layers=12, num_heads=12
    ),
    # Of the shape of CCT-7/3×2 (Hassani et al., 2021), for training from scratch on a GPU.
    "cifar": ImageClassifierConfig(
        hidden_dim=256,
        intermediate_dim=512,
        num_layers=7,
        num_heads=4,
        image_shape=(32, 32, 3),
        patch_size=4,
        stem="convolutional",
        pooling="mean",
        drop_path=0.1,
    ),
    # For CPUs: sixteen vectors an image, so that most of the work is in the convolutions.
    "cifar_small": ImageClassifierConfig(
        hidden_dim=192,
        intermediate_dim=384,
        num_layers=4,
        num_heads=6,
        image_shape=(32, 32, 3),
        patch_size=8,
        stem="convolutional",
        position="conditional",
        pooling="mean",
    ),
    "digits": ImageClassifierConfig(
        hidden_dim=64,
        intermediate_dim=128,
        num_layers=4,
        num_heads=4,
        image_shape=(8, 8, 1),
        patch_size=2,
        pooling="mean",
    ),
}
