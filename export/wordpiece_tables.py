"""What a WordPiece tokenizer does, read from the tokenizer itself (imports no TensorFlow).

BERT's normaliser and pre-tokeniser treat every code point by itself: drop it, turn it to a space,
put spaces around it, or replace it. That is what a graph of string operators can do too, so the two
are compiled into a table of code points here, and checked on texts where the order could matter.
"""

import functools
import itertools
import json
import sys
from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

KEEP, DROP, ISOLATE, REPLACE = range(4)

# A tokenizer of which only the normaliser and the pre-tokeniser matter.
_EMPTY_TOKENIZER = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "post_processor": None,
    "decoder": None,
    "model": {"type": "WordLevel", "vocab": {}, "unk_token": "[UNK]"},
}
# Stands between code points while all of them are normalised in a few calls.
_SEPARATOR = "\u2581"
_BLOCK = 1 << 16
_SURROGATES = range(0xD800, 0xE000)
# Components that may treat every code point by itself; whether they do, the probes tell. Others,
# such as `Split` and `Replace`, look for patterns, which no set of probes would be sure to hit.
_COMPONENTS = {
    "normalizer": {
        *("BertNormalizer", "Lowercase", "StripAccents", "Strip"),
        *("NFC", "NFD", "NFKC", "NFKD", "Sequence"),
    },
    "pre_tokenizer": {"BertPreTokenizer", "WhitespaceSplit", "Punctuation", "Digits", "Sequence"},
}
_PROBES = (
    "The café, née “Übergröße”: naïve façade — 100% sure?!",
    "cafe\u0301 A\u030a\u0301 e\u0327\u0301 \u0301leading",
    "東京タワー 한국어 각 각 กำแพง हिन्दी",
    "İstanbul ΣΊΣΥΦΟΣ straße ﬁne ①②",
    "a\u200db \u00a0\u3000\u2028x\ty\r\nz\x00\x07\ufeff\ufffd",
    "👩\u200d👩\u200d👧 🇫🇷 ❤\ufe0f can't e-mail@x.org [CLS] [UNK] ##ing",
    "\u1100\u1161\u11a8 \uac01 \u0928\u093c \u212b \uf900",
    "",
    "   ",
)


@dataclass(frozen=True)
class WordPieceTables:
    """A WordPiece tokenizer as plain data.

    Args:
        vocabulary: Pieces in the order of their ids.
        unknown_id: Id of the unknown token.
        prefix: What a piece inside a word begins with, such as `"##"`.
        max_characters: Words of more characters are unknown.
        first_ids: Ids before the text, such as that of `[CLS]`.
        last_ids: Ids after the text, such as that of `[SEP]`.
        pad_id: Id that pads rows.
        range_starts: First code point of each range that is treated alike, int32 `(ranges,)`.
        range_actions: What happens to it: KEEP, DROP, ISOLATE or REPLACE, int32 `(ranges,)`.
        replacements: Dict from code point to its string, for REPLACE.
    """

    vocabulary: list[str]
    unknown_id: int
    prefix: str
    max_characters: int
    first_ids: list[int]
    last_ids: list[int]
    pad_id: int
    range_starts: np.ndarray
    range_actions: np.ndarray
    replacements: dict[int, str]


def read_tables(tokenizer):
    """Reads the tables of a `tokenizers.Tokenizer`.

    Args:
        tokenizer: With a WordPiece model, a normaliser and a pre-tokeniser that treat every code
            point by itself (as BERT's do), and a post-processor that adds special tokens or none.

    Returns:
        `WordPieceTables`.

    Raises:
        ValueError: If the tokenizer does anything else, which a graph of core TensorFlow
            operators could not repeat.
    """
    settings = json.loads(tokenizer.to_str())
    model = settings["model"]
    if model["type"] != "WordPiece":
        raise ValueError(
            "Expected a WordPiece tokenizer, which core TensorFlow operators can repeat; export "
            "without the text signature (`signatures=['tokens']`) and tokenise in the client. "
            f"Received: a tokenizer of type {model['type']}"
        )
    vocabulary = sorted(model["vocab"], key=model["vocab"].get)
    if [model["vocab"][piece] for piece in vocabulary] != list(range(len(vocabulary))):
        raise ValueError("Expected the ids of the vocabulary to be 0, 1, 2, ... without gaps.")
    first_ids, last_ids = _template(settings["post_processor"])
    components = {name: settings[name] for name in _COMPONENTS}
    _check_components(components)
    actions, replacements = _code_points(json.dumps(components))
    _check_probes(tokenizer, actions, replacements)
    starts = np.flatnonzero(np.diff(actions, prepend=-1))
    return WordPieceTables(
        vocabulary=vocabulary,
        unknown_id=model["vocab"][model["unk_token"]],
        prefix=model["continuing_subword_prefix"],
        max_characters=model["max_input_chars_per_word"],
        first_ids=first_ids,
        last_ids=last_ids,
        pad_id=tokenizer.token_to_id("[PAD]") or 0,
        range_starts=starts.astype("int32"),
        range_actions=actions[starts].astype("int32"),
        replacements=replacements,
    )


def _check_components(components):
    for name, known in _COMPONENTS.items():
        for kind in _component_types(components[name]):
            if kind not in known:
                _raise_not_by_code_point(f"{name} of type {kind}")


def _component_types(component):
    """Yields the type of a normaliser or pre-tokeniser and of those it is a sequence of."""
    if component is None:
        return
    yield component["type"]
    for part in component.get("normalizers", component.get("pretokenizers", ())):
        yield from _component_types(part)


def _template(post_processor):
    """Returns the special ids before and after a single text."""
    if post_processor is None:
        return [], []
    if post_processor["type"] == "BertProcessing":
        return [post_processor["cls"][1]], [post_processor["sep"][1]]
    if post_processor["type"] != "TemplateProcessing":
        raise ValueError(
            "Expected a post-processor TemplateProcessing, BertProcessing or none. "
            f"Received: {post_processor['type']}"
        )
    parts = post_processor["single"]
    place = next(i for i, part in enumerate(parts) if "Sequence" in part)
    ids = [
        post_processor["special_tokens"][part["SpecialToken"]["id"]]["ids"]
        for part in parts
        if "SpecialToken" in part
    ]
    return list(itertools.chain(*ids[:place])), list(itertools.chain(*ids[place:]))


@functools.lru_cache(maxsize=4)
def _code_points(components):
    """Returns the action of every code point, and the strings of those that are replaced.

    Args:
        components: JSON of a normaliser and a pre-tokeniser, which most tokenizers share.
    """
    tokenizer = Tokenizer.from_str(json.dumps({**_EMPTY_TOKENIZER, **json.loads(components)}))
    normalized = _normalized_code_points(tokenizer.normalizer)
    splits = _split_actions(tokenizer.pre_tokenizer, {c for text in normalized for c in text})
    actions = np.zeros(sys.maxunicode + 1, "int8")
    replacements = {}
    for code_point, text in enumerate(normalized):
        if text not in splits and text == chr(code_point):
            continue  # Most of the million code points are kept as they are.
        spaced = "".join(splits.get(character, character) for character in text)
        if not spaced:
            actions[code_point] = DROP
        elif spaced == f" {chr(code_point)} ":
            actions[code_point] = ISOLATE
        elif spaced != chr(code_point):
            actions[code_point] = REPLACE
            replacements[code_point] = spaced
    # A surrogate cannot be in UTF-8; a decoder gives U+FFFD for it.
    actions[_SURROGATES.start : _SURROGATES.stop] = KEEP
    return actions, replacements


def _normalized_code_points(normalizer):
    """Returns the normalised string of every code point, in a few calls."""
    characters = [
        chr(0xFFFD if code_point in _SURROGATES else code_point)
        for code_point in range(sys.maxunicode + 1)
    ]
    if normalizer is None:
        return characters
    normalized = []
    for start in range(0, len(characters), _BLOCK):
        block = characters[start : start + _BLOCK]
        text = _SEPARATOR.join(_SEPARATOR if c == _SEPARATOR else c for c in block)
        parts = normalizer.normalize_str(text).split(_SEPARATOR)
        if _SEPARATOR in block and len(parts) == len(block) + 1:
            place = block.index(_SEPARATOR)
            parts[place : place + 2] = [_SEPARATOR]
        if len(parts) != len(block):
            _raise_not_by_code_point("one that does not, on a list of all code points")
        normalized.extend(parts)
    return normalized


def _split_actions(pre_tokenizer, characters):
    """Returns `{character: string with spaces}` for those that the pre-tokeniser splits at."""
    if pre_tokenizer is None:
        return {}
    characters = list(characters)
    text = "a" + "a".join(characters) + "a"
    in_word = np.zeros(len(text), bool)
    alone = np.zeros(len(text), bool)
    for _, (start, end) in pre_tokenizer.pre_tokenize_str(text):
        in_word[start:end] = True
        alone[start] |= end - start == 1
    return {
        character: f" {character} " if in_word[place] else " "
        for character, place in zip(characters, range(1, len(text), 2), strict=True)
        if alone[place] or not in_word[place]
    }


def _check_probes(tokenizer, actions, replacements):
    for probe in _PROBES:
        pieces = []
        for character in probe:
            action = actions[ord(character)]
            pieces.append(
                {KEEP: character, DROP: "", ISOLATE: f" {character} "}.get(action)
                if action != REPLACE
                else replacements[ord(character)]
            )
        text = probe if tokenizer.normalizer is None else tokenizer.normalizer.normalize_str(probe)
        words = (
            [text]
            if tokenizer.pre_tokenizer is None
            else [word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text)]
        )
        if "".join(pieces).split() != words:
            _raise_not_by_code_point(f"one that does not, on the text {probe!r}")


def _raise_not_by_code_point(received):
    raise ValueError(
        "Expected a normaliser and a pre-tokeniser that treat every code point by itself, as "
        "BERT's do; export without the text signature (`signatures=['tokens']`) and tokenise in "
        f"the client. Received: {received}"
    )
