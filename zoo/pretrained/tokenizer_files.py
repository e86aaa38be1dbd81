"""The tokenizer of a checkpoint's folder: `tokenizer.json`, or the `vocab.txt` of BERT."""

import json

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from ..text_preprocessor import TOKENIZER_FILE

VOCABULARY_FILE = "vocab.txt"
SETTINGS_FILE = "tokenizer_config.json"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
# What transformers calls special tokens, and how they are spelled.
_ROLES = {
    "pad_token": ("[PAD]", "<pad>"),
    "unk_token": ("[UNK]", "<unk>"),
    "cls_token": ("[CLS]", "<s>"),
    "sep_token": ("[SEP]", "</s>"),
    "mask_token": ("[MASK]", "<mask>"),
}


def read_tokenizer(folder, vocabulary_size, by_words=False):
    """Reads the tokenizer of a checkpoint.

    Args:
        folder: `Path` of the folder.
        vocabulary_size: Rows of the model's embedding, which its ids must have.
        by_words: Whether it is given words one by one, which some tokenizers must be told to treat
            as if spaces stood before them. Defaults to False.

    Returns:
        A `tokenizers.Tokenizer`.

    Raises:
        FileNotFoundError: If there is none that can be read.
        ValueError: If it is damaged, or has ids that the embedding has not.
    """
    if (folder / TOKENIZER_FILE).is_file():
        path = folder / TOKENIZER_FILE
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # The library raises nothing narrower.
            raise ValueError(f"Expected {path} to be a tokenizer: {error}") from error
    elif (folder / VOCABULARY_FILE).is_file():
        path = folder / VOCABULARY_FILE
        tokenizer = _of_vocabulary(path, _settings(folder / SETTINGS_FILE))
    else:
        raise FileNotFoundError(
            f"Expected {TOKENIZER_FILE} or {VOCABULARY_FILE} in {folder}. Other files are turned "
            f"into {TOKENIZER_FILE} by transformers: AutoTokenizer.from_pretrained(...)"
            ".save_pretrained(...)"
        )
    ids = tokenizer.get_vocab(with_added_tokens=True).values()
    if max(ids, default=-1) >= vocabulary_size:
        raise ValueError(
            f"Expected the ids of {path} to be rows of the model's embedding. Received: ids up to "
            f"{max(ids)}, an embedding of {vocabulary_size} rows"
        )
    return _with_prefix_space(tokenizer) if by_words else tokenizer


def _with_prefix_space(tokenizer):
    settings = json.loads(tokenizer.to_str())
    changed = False
    for part in ("pre_tokenizer", "post_processor"):
        if (settings[part] or {}).get("add_prefix_space") is False:
            settings[part]["add_prefix_space"] = changed = True
    return Tokenizer.from_str(json.dumps(settings)) if changed else tokenizer


def _of_vocabulary(path, settings):
    try:
        tokens = path.read_text(encoding="utf-8").splitlines()
    except ValueError as error:
        raise ValueError(f"Expected {path} to be UTF-8: {error}") from error
    vocabulary = {token: index for index, token in enumerate(tokens)}
    missing = [token for token in _SPECIAL[:4] if token not in vocabulary]
    if missing:
        raise ValueError(f"Expected {path} to be a vocabulary of BERT's. Received: no {missing}")
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(
        lowercase=settings.get("do_lower_case", True),
        strip_accents=settings.get("strip_accents"),
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )
    tokenizer.add_special_tokens([token for token in _SPECIAL if token in vocabulary])
    return tokenizer


def _settings(path):
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"Expected {path} to be JSON: {error}") from error


def write_tokenizer(preprocessor, folder):
    """Writes the tokenizer of a preprocessor so that transformers' `AutoTokenizer` reads it."""
    preprocessor.save(folder)
    tokenizer = preprocessor.tokenizer
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": preprocessor.max_sequence_length,
    }
    for role, spellings in _ROLES.items():
        spelled = [token for token in spellings if tokenizer.token_to_id(token) is not None]
        if spelled:
            settings[role] = spelled[0]
    (folder / SETTINGS_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
