"""At which rate a checkpoint takes sound: `preprocessor_config.json`, as with images."""

import json

from .pixels import SETTINGS_FILE


def read_sound(folder):
    """Returns `sampling_rate`, or nothing where the checkpoint does not say it.

    Args:
        folder: `Path` of the checkpoint.

    Raises:
        ValueError: If the file is damaged.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {}
    try:
        settings = dict(json.loads(path.read_text(encoding="utf-8")))
        rate = settings.get("sampling_rate", 16000)
        if type(rate) is not int or rate < 1:
            raise ValueError(f"sampling_rate={rate!r}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected {path} to say what sound is like: {error}") from error
    return {"sampling_rate": rate}


def write_sound(folder, family, config):
    """Writes the same for transformers' `AutoFeatureExtractor`.

    Args:
        folder: `Path` of the checkpoint.
        family: The `Family` whose extractor makes the input.
        config: `SpeechEncoderConfig`.
    """
    settings = {"sampling_rate": config.sampling_rate, **family.extractor(config)}
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
