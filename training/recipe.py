"""Recipes: how a model is trained, as one printable value."""

import dataclasses
from dataclasses import dataclass

from ..zoo.config import replace_fields

SCHEDULES = ("cosine", "linear")
# Parts of a model that may stay as they are.
FREEZABLE = (None, "embeddings", "backbone")
_CHOICES = {"schedule": SCHEDULES, "freeze": FREEZABLE}

_RANGES = (
    (
        ("epochs", "batch_size", "gradient_accumulation_steps"),
        lambda v: isinstance(v, int) and v >= 1,
        "a positive integer",
    ),
    (("lora_rank",), lambda v: isinstance(v, int) and v >= 0, "an integer not below zero"),
    (
        ("evidence_folds",),
        lambda v: isinstance(v, int) and (v == 0 or v >= 2),
        "0, or an integer of at least 2",
    ),
    (("learning_rate", "clip_norm", "head_rate"), lambda v: v > 0, "a positive number"),
    (("layer_decay",), lambda v: 0 < v <= 1, "a share in (0, 1]"),
    (
        (
            "weight_decay",
            "patience",
            "consistency",
            "weight_penalty",
            "mixup",
            "cutmix",
            "gain",
            "equalizer",
        ),
        lambda v: v >= 0,
        "a number not below zero",
    ),
    (
        (
            "warmup",
            "beta_2",
            "label_smoothing",
            "subword_dropout",
            "token_dropout",
            "shift",
            "rand_augment",
            "erasing",
            "speed",
            "noise",
            "splicing",
        ),
        lambda v: 0 <= v < 1,
        "a share in [0, 1)",
    ),
)


def _are_weights(value):
    return isinstance(value, dict) and all(
        isinstance(weight, (int, float)) and weight > 0 for weight in value.values()
    )


@dataclass(frozen=True)
class Recipe:
    """AdamW with linear warm-up and decay to zero, smoothed labels, averaged weights.

    Args:
        epochs: Epochs at most. Defaults to 8.
        batch_size: Rows in each step. Defaults to 32.
        learning_rate: Peak of the schedule. Defaults to 1e-3.
        schedule: Curve along which the rate falls, `"cosine"` or `"linear"`. Defaults to
            `"cosine"`.
        warmup: Share of all steps in which the rate rises from zero. Defaults to 0.1.
        beta_2: Momentum of the average of squared gradients. Defaults to 0.999.
        weight_decay: Decoupled decay of kernels and embeddings; biases and normalisations are
            left out. Defaults to 0.05.
        clip_norm: Largest global norm of the gradient. Defaults to 1.0.
        gradient_accumulation_steps: Batches whose gradients make one step, where memory is too
            small for larger batches. Defaults to 1.
        label_smoothing: Share of each target spread over all classes. Defaults to 0.1.
        class_weight: Weights of labels in the loss: `"balanced"`, by how rare they are; a dict
            from label to weight, 1 for any other; or None. Defaults to None.
        ema_momentum: Momentum of the moving average of weights, which is what is evaluated and
            kept; None turns averaging off. Defaults to 0.99.
        patience: Epochs without a better `monitor` before training stops. Defaults to 5.
        monitor: Validation metric that chooses the best weights. Defaults to `"val_accuracy"`.
        layer_decay: Factor of the rate from each block to the one below, and to the embeddings, see
            `rate_factors`. Defaults to 1.0.
        head_rate: Factor of the rate of the head. Defaults to 1.0.
        freeze: What does not learn: `"embeddings"`, `"backbone"` (all but the head) or None.
            Defaults to None.
        lora_rank: Rank of the adapters of the attention, see `adapted`; 0 has none. Defaults to 0.
        jit_compile: Whether to compile by XLA; pays on a GPU. Defaults to False.

    Raises:
        ValueError: If a field is out of its range.
    """

    epochs: int = 8
    batch_size: int = 32
    learning_rate: float = 1e-3
    schedule: str = "cosine"
    warmup: float = 0.1
    beta_2: float = 0.999
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    gradient_accumulation_steps: int = 1
    label_smoothing: float = 0.1
    class_weight: str | dict | None = None
    ema_momentum: float | None = 0.99
    patience: int = 5
    monitor: str = "val_accuracy"
    layer_decay: float = 1.0
    head_rate: float = 1.0
    freeze: str | None = None
    lora_rank: int = 0
    jit_compile: bool = False

    def __post_init__(self):
        fields = [field.name for field in dataclasses.fields(self)]
        for names, fits, expected in _RANGES:
            for name in (name for name in names if name in fields):
                value = getattr(self, name)
                if not isinstance(value, (int, float)) or not fits(value):
                    raise ValueError(
                        f"Received an invalid value for `{name}` of a recipe, expected {expected}. "
                        f"Received: {name}={value!r}"
                    )
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(
                    f"Received an invalid value for `{name}` of a recipe, expected one of "
                    f"{choices}. Received: {name}={getattr(self, name)!r}"
                )
        weights = self.class_weight
        if weights not in (None, "balanced") and not _are_weights(weights):
            raise ValueError(
                "Received an invalid value for `class_weight` of a recipe, expected "
                '"balanced", a dict from label to a positive number, or None. '
                f"Received: class_weight={weights!r}"
            )
        if self.lora_rank and self.freeze != "backbone":
            raise ValueError(
                'Expected freeze="backbone" with adapters, which are kept without the rest. '
                f"Received: freeze={self.freeze!r}, lora_rank={self.lora_rank}"
            )

    def replace(self, **changes):
        """Returns a copy with `changes`.

        Raises:
            ValueError: If a name is not a field.
        """
        return replace_fields(self, changes, "recipe")


@dataclass(frozen=True)
class TextRecipe(Recipe):
    """A `Recipe` with what keeps few texts from being learned by heart.

    Args:
        epochs: Defaults to 6.
        beta_2: Defaults to 0.98. At 0.999 the average of a rare word's squared gradients is nearly
            zero when the word comes, and AdamW moves its embedding by some 30 steps at once.
        subword_dropout: Rate of `SubwordDropout`. Defaults to 0.1.
        token_dropout: Rate of `TokenDropout`. Defaults to 0.2.
        consistency: Weight of `PairConsistency` (R-Drop), for which each row goes through the model
            twice; 0 turns it off. Defaults to 2.0.
        evidence_folds: Folds of `LinearStart`, by which a new model begins as a linear one where
            its logits are linear in its embeddings; 0 turns it off. Defaults to 0.

    Raises:
        ValueError: If a field is out of its range.
    """

    epochs: int = 6
    beta_2: float = 0.98
    subword_dropout: float = 0.1
    token_dropout: float = 0.2
    consistency: float = 2.0
    evidence_folds: int = 0


@dataclass(frozen=True)
class TaggingRecipe(Recipe):
    """A `Recipe` for taggers.

    Args:
        epochs: Defaults to 20.
        learning_rate: Defaults to 1.5e-3.
        beta_2: Defaults to 0.98, as of texts.
        patience: Defaults to 8.
        subword_dropout: Rate of `SubwordDropout`. Defaults to 0.15.
        token_dropout: Rate at which a whole word is masked. Defaults to 0.1.

    Raises:
        ValueError: If a field is out of its range.
    """

    epochs: int = 20
    learning_rate: float = 1.5e-3
    beta_2: float = 0.98
    patience: int = 8
    subword_dropout: float = 0.15
    token_dropout: float = 0.1


@dataclass(frozen=True)
class GraphRecipe(Recipe):
    """A `Recipe` for graphs.

    Args:
        epochs: Defaults to 40.
        batch_size: Graphs in each step. Defaults to 64.
        learning_rate: Defaults to 5e-3.
        ema_momentum: Defaults to 0.9: an epoch has few steps.
        patience: Defaults to 20.
        weight_penalty: Factor of half the sum of all squared kernels in the loss, which, unlike
            `weight_decay`, Adam scales with the rest of the gradient. Defaults to 0.0.

    Raises:
        ValueError: If a field is out of its range.
    """

    epochs: int = 40
    batch_size: int = 64
    learning_rate: float = 5e-3
    ema_momentum: float | None = 0.9
    patience: int = 20
    weight_penalty: float = 0.0


@dataclass(frozen=True)
class ImageRecipe(Recipe):
    """A `Recipe` with what makes more images of few, see `ImageAugmentation`.

    Args:
        epochs: Defaults to 12.
        batch_size: Defaults to 128.
        learning_rate: Defaults to 1.5e-3.
        ema_momentum: Defaults to 0.998.
        patience: Defaults to 12.
        shift: Largest shift along each axis, as a share of the image. Defaults to 0.125.
        flip: Whether half of the images are mirrored. Defaults to True.
        rand_augment: Strength of RandAugment, for RGB only. Defaults to 0.0 (none).
        erasing: Largest share of the area to overwrite by noise. Defaults to 0.0.
        mixup: Alpha of MixUp. Defaults to 0.0 (none).
        cutmix: Alpha of CutMix. Defaults to 0.0 (none).

    Raises:
        ValueError: If a field is out of its range.
    """

    epochs: int = 12
    batch_size: int = 128
    learning_rate: float = 1.5e-3
    ema_momentum: float | None = 0.998
    patience: int = 12
    shift: float = 0.125
    flip: bool = True
    rand_augment: float = 0.0
    erasing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """A `Recipe` with what makes more recordings of few, see `AudioAugmentation`.

    What hides parts of the spectrogram, `layers.SpecAugment`, is in the model's configuration.

    Args:
        epochs: Defaults to 90.
        batch_size: Defaults to 16.
        beta_2: Defaults to 0.98.
        clip_norm: Defaults to 5.0: the loss of CTC is a sum over a recording.
        label_smoothing: Of labels only; CTC has none. Defaults to 0.0.
        ema_momentum: Defaults to 0.995.
        patience: Defaults to 90.
        monitor: Defaults to `"val_wer"`.
        speed: Largest change of the speed, as a share. Defaults to 0.12.
        shift: Longest silence before and behind, in seconds. Defaults to 0.1.
        gain: Largest change of the loudness, in decibels. Defaults to 6.0.
        equalizer: Largest change of the loudness of a band, in decibels. Defaults to 6.0.
        noise: Share of recordings that get noise. Defaults to 0.3.
        splicing: Share of batches whose recordings are joined by twos. Defaults to 0.4.
        skip_infeasible: Whether recordings too short for their transcript are left out, rather than
            an error. Defaults to False.

    Raises:
        ValueError: If a field is out of its range.
    """

    epochs: int = 90
    batch_size: int = 16
    beta_2: float = 0.98
    clip_norm: float = 5.0
    label_smoothing: float = 0.0
    ema_momentum: float | None = 0.995
    patience: int = 90
    monitor: str = "val_wer"
    speed: float = 0.12
    shift: float = 0.1
    gain: float = 6.0
    equalizer: float = 6.0
    noise: float = 0.3
    splicing: float = 0.4
    skip_infeasible: bool = False
