"""The symbols of a checkpoint with the head of CTC: `vocab.json` of `Wav2Vec2CTCTokenizer`."""

import json

from ..symbols import BLANK, SPACE

VOCABULARY_FILE = "vocab.json"
_ADDED_FILE = "added_tokens.json"
_TOKENIZER_FILE = "tokenizer_config.json"
_PADDING, _DELIMITER = "<pad>", "|"


def read_symbols(folder, count, blank):
    """Returns the names of the classes in the order of the logits, ours: the blank comes first.

    Args:
        folder: `Path` of the checkpoint. Without a vocabulary they are named by their numbers.
        count: Number of classes.
        blank: Number of the class that is the blank: that of the padding token.

    Raises:
        ValueError: If a file is damaged, has a class that the head has not, or two of one name.
    """
    path = folder / VOCABULARY_FILE
    names = {index: f"<{index}>" for index in range(count)}
    if path.is_file():
        found = _read(path)
        wrong = [i for i in found.values() if type(i) is not int or not 0 <= i < count]
        if wrong or len(set(found.values())) < len(found):
            raise ValueError(
                f"Expected the symbols of {path} to have numbers of their own, as the {count} "
                f"classes of the head do. Received: {wrong or list(found.values())}"[:500]
            )
        added = _read(folder / _ADDED_FILE) if (folder / _ADDED_FILE).is_file() else {}
        # Those beyond the head were added for its tokenizer alone.
        added = {symbol: index for symbol, index in added.items() if index in names}
        names |= {index: symbol for symbol, index in (added | found).items()}
    settings = _read(folder / _TOKENIZER_FILE) if (folder / _TOKENIZER_FILE).is_file() else {}
    delimiter = settings.get("word_delimiter_token", _DELIMITER)
    if not 0 <= blank < count:
        raise ValueError(
            "Expected `pad_token_id` of config.json, the blank of CTC, to be one of the "
            f"{count} classes of the head. Received: pad_token_id={blank}"
        )
    names.pop(blank)
    labels = [BLANK, *(SPACE if name == delimiter else name for name in names.values())]
    if len(set(labels)) != len(labels):
        raise ValueError(f"Expected each symbol of {path} once. Received: {labels}"[:500])
    return labels


def write_symbols(folder, labels):
    """Writes the symbols so that transformers' `AutoTokenizer` reads them.

    Args:
        folder: `Path` of the checkpoint.
        labels: Names of the classes, the blank first.

    Raises:
        ValueError: If there is a symbol that its tokenizer has no way to write.
    """
    names = [_PADDING, *(_DELIMITER if label == SPACE else label for label in labels[1:])]
    wrong = [label for label in labels[1:] if label != SPACE and SPACE in label]
    if wrong or len(set(names)) != len(names):
        raise ValueError(
            f"Expected symbols that transformers' tokenizer of CTC has: none with spaces inside, "
            f"and neither {_PADDING!r} nor {_DELIMITER!r}. Received: {wrong or labels}"[:500]
        )
    settings = {
        "tokenizer_class": "Wav2Vec2CTCTokenizer",
        "pad_token": _PADDING,
        "word_delimiter_token": _DELIMITER,
        # One that is not there would be added to the classes.
        **{
            f"{role}_token": name if name in names else _PADDING
            for role, name in (("unk", "<unk>"), ("bos", "<s>"), ("eos", "</s>"))
        },
    }
    vocabulary = {name: index for index, name in enumerate(names)}
    for file, value in ((VOCABULARY_FILE, vocabulary), (_TOKENIZER_FILE, settings)):
        text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
        (folder / file).write_text(text, encoding="utf-8")


def _read(path):
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError(f"{value!r:.60}")
    except ValueError as error:
        raise ValueError(f"Expected {path} to be a JSON dict: {error}") from error
    return value
