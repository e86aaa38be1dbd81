"""What a verb predicts with: a saved pipeline or an exported artefact."""

from pathlib import Path


def load_predictor(path):
    """Loads a folder of `attnzoo train`, an artefact of `attnzoo export`, or one of its variants.

    Raises:
        FileNotFoundError: If nothing of the kind is there.
    """
    from ..export.predictor import is_artefact

    if is_artefact(path):
        from ..export import load

        return load(path)
    from ..zoo.registry import list_presets

    if not Path(path).expanduser().exists() and path not in list_presets(pretrained=True):
        raise FileNotFoundError(
            "Expected a folder of `attnzoo train` or an artefact of `attnzoo export`. "
            f"Received: {path!r}, and nothing is there"
        )
    from ..zoo import load

    return load(path)
