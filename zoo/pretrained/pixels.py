"""How a checkpoint scales pixels: `preprocessor_config.json`."""

import json

SETTINGS_FILE = "preprocessor_config.json"
_BILINEAR = 2


def read_pixels(folder, image_shape, report):
    """Returns `pixel_mean` and `pixel_std`, 0.5 each where the checkpoint does not say.

    Args:
        folder: `Path` of the checkpoint.
        image_shape: `(height, width, channels)` of the model.
        report: `LoadReport` that is told what is done to images otherwise.

    Raises:
        ValueError: If the file is damaged, or pixels are scaled in a way that is not understood.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {"pixel_mean": (0.5,), "pixel_std": (0.5,)}
    try:
        settings = dict(json.loads(path.read_text(encoding="utf-8")))
        factor = settings.get("rescale_factor", 1 / 255)
        if not settings.get("do_rescale", True) or abs(factor * 255 - 1) > 1e-6:
            raise ValueError(f"rescale_factor={factor}, do_rescale={settings.get('do_rescale')}")
        mean, std = (0.0,), (1.0,)
        if settings.get("do_normalize", True):
            mean = tuple(map(float, settings.get("image_mean", (0.5,))))
            std = tuple(map(float, settings.get("image_std", (0.5,))))
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"Expected {path} to scale pixels by 1/255, and by mean and deviation: {error}"
        ) from error
    resample = settings.get("resample", _BILINEAR)
    if settings.get("do_center_crop") or resample != _BILINEAR:
        height, width, _ = image_shape
        report.notes.append(
            "its images were resized by another filter, or cropped; here they are resized to "
            f"{height} x {width} bilinearly"
        )
    return {"pixel_mean": mean, "pixel_std": std}


def write_pixels(folder, config):
    """Writes the same for transformers' `AutoImageProcessor`."""
    height, width, channels = config.image_shape
    settings = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": height, "width": width},
        "resample": _BILINEAR,
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": list(config.pixel_mean) * (channels if len(config.pixel_mean) == 1 else 1),
        "image_std": list(config.pixel_std) * (channels if len(config.pixel_std) == 1 else 1),
    }
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
