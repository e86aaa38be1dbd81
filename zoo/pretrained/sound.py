"""What sound a checkpoint takes: `preprocessor_config.json`, as with images."""

import json

from .pixels import SETTINGS_FILE


def read_sound(folder, family):
    """Returns the fields of a `SpeechEncoderConfig` that the file decides.

    Args:
        folder: `Path` of the checkpoint. Where it has no such file, nothing is returned.
        family: Its `Family`.

    Raises:
        ValueError: If the file is damaged, or says what is not understood.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {}
    try:
        settings = dict(json.loads(path.read_text(encoding="utf-8")))
        rate = settings.get("sampling_rate", 16000)
        if type(rate) is not int or rate < 1:
            raise ValueError(f"sampling_rate={rate!r}")
        return {"sampling_rate": rate, **family.extracted_fields(settings)}
    except (TypeError, ValueError) as error:
        raise ValueError(f"Expected {path} to say what sound is like: {error}") from error


def sound_fields(family, config):
    """Returns the fields that a checkpoint of this configuration would have from that file."""
    return {
        "sampling_rate": config.sampling_rate,
        **family.extracted_fields(family.extractor(config)),
    }


def write_sound(folder, family, config):
    """Writes the file for transformers' `AutoFeatureExtractor`.

    Args:
        folder: `Path` of the checkpoint.
        family: Its `Family`.
        config: `SpeechEncoderConfig`.
    """
    settings = {"sampling_rate": config.sampling_rate, **family.extractor(config)}
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
