"""Text tokenised inside a graph: the ids of the `tokenizers` library, for every text."""

import unicodedata

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from attnzoo import export, zoo
from attnzoo.export.wordpiece_graph import WordPieceGraph
from attnzoo.export.wordpiece_tables import read_tables
from attnzoo.zoo.text_preprocessor import TextPreprocessor

from .small_models import MAX_LENGTH, SENTENCES, make_tokenizer

CORPUS = (
    *SENTENCES[:6],
    "",
    " ",
    "\t\r\n",
    "Ångström naïve café CAFÉ cafe\u0301 E\u0301\u0327 \u0301alone",
    "İstanbul \u0131I ΣΊΣΥΦΟΣ ς straße ẞ ﬁne ﬀ ①② ½ Ⅷ",
    "東京タワー 漢字かなカナ ｶﾅ 한국어 각 각 \u1100\u1161\u11a8 中文\uff0c标点。",
    "กำแพง हिन्दी न\u093c עִבְרִית العَرَبِيَّة ქართული ᏣᎳᎩ",
    "😀👩\u200d👩\u200d👧‍👦 🇫🇷 ❤\ufe0f ☃ 🏳️‍🌈 👍🏽",
    "a\x00b \x00\x00 \x01\x07\x1b\x7f\x80\x9f c\u200bd \ufeffe \ufffdf \u2060g",
    "\u00a0\u1680\u2000\u2028\u2029\u202f\u3000x\u0085y\x0bz\x0cw",
    "[CLS] [SEP] [PAD] [UNK] [MASK] [cls] ##ing # ## ### [ CLS ]",
    "don't e-mail a_b x@y.org http://a.b/c?d=e&f 1,000.50 $5 ^ ` ~ | < > = +",
    "\U0010ffff \U000e0001 \uf900 \U0002f800 \ufdd0 \ue000",
    "good" * 2500,
    "not bad at all . " * 590,
    "好" * 10_000,
    "é" * 10_000,
    "x" * 99 + " " + "x" * 100 + " " + "x" * 101,
)


def python_ids(tokenizer, texts, max_length):
    """Ids by the `tokenizers` library alone."""
    tokenizer = Tokenizer.from_str(tokenizer.to_str())
    tokenizer.encode_special_tokens = True
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length)
    return [encoding.ids for encoding in tokenizer.encode_batch(list(texts))]


def rows(token_ids, lengths, pad_id=0):
    """Padded ids as lists, after a look at the padding."""
    token_ids, lengths = np.asarray(token_ids), np.asarray(lengths)
    assert token_ids.dtype == lengths.dtype == np.int32
    for row, length in zip(token_ids, lengths, strict=True):
        assert (row[length:] == pad_id).all()
    return [row[:length].tolist() for row, length in zip(token_ids, lengths, strict=True)]


def graph_of(tokenizer, max_length):
    """`f(texts)`: ids by the graph."""
    module = WordPieceGraph(tokenizer, max_length)
    function = tf.function(module, input_signature=[tf.TensorSpec([None], tf.string)])
    return lambda texts: rows(*function(tf.constant(list(texts), tf.string)))


@pytest.fixture(scope="module", params=[True, False], ids=["uncased", "cased"])
def tokenizer(request):
    return make_tokenizer(220, lowercase=request.param)


@pytest.fixture(scope="module")
def graph(tokenizer):
    return graph_of(tokenizer, 12_000)


# === In the artefact ===


def test_the_artefact_gives_the_ids_of_the_tokenizer(exported_text):
    answers = exported_text.serving.run("preprocess", {"text": np.array(CORPUS, object)})
    expected = python_ids(exported_text.pipeline.preprocessor.tokenizer, CORPUS, MAX_LENGTH)
    assert rows(answers["token_ids"], answers["lengths"]) == expected


def test_the_artefact_gives_the_probabilities_of_the_pipeline(exported_text):
    answers = exported_text.serving.run("serving_default", {"text": np.array(CORPUS, object)})
    expected = exported_text.pipeline.logits(CORPUS)
    np.testing.assert_allclose(answers["logits"], expected, rtol=0, atol=2e-5)


def test_bytes_that_are_no_utf8_are_no_error(exported_text):
    broken = [b"caf\xe9 was \xff\xfe cold", b"\xf0\x9f\x98", b"\xed\xa0\x80 lone surrogate"]
    answers = exported_text.serving.run("preprocess", {"text": np.array(broken, object)})
    readable = [text.decode("utf-8", "replace") for text in broken]
    expected = python_ids(exported_text.pipeline.preprocessor.tokenizer, readable, MAX_LENGTH)
    assert rows(answers["token_ids"], answers["lengths"]) == expected


def test_an_empty_batch_is_answered_by_nothing(exported_text):
    answers = exported_text.serving.run("serving_default", {"text": np.array([], object)})
    assert answers["logits"].shape == (0, exported_text.config.num_classes)
    assert len(answers["label"]) == 0


# === The graph ===


SOME = [text for text in CORPUS if not text.strip() or "\x00" in text or "[CLS]" in text]


@pytest.mark.parametrize("texts", [SOME, pytest.param(CORPUS, marks=pytest.mark.slow)], ids=len)
def test_every_text_alone_gives_the_ids_of_the_tokenizer(tokenizer, graph, texts):
    for text in texts:
        assert graph([text]) == python_ids(tokenizer, [text], 12_000)


def test_texts_together_give_the_ids_of_the_tokenizer(tokenizer, graph):
    assert graph(CORPUS) == python_ids(tokenizer, CORPUS, 12_000)


@settings(max_examples=12)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=40))
@example(["\u0130\u0307", "ß\u0301", "\u1e9e", "ǆ", "ŉ"])
def test_any_text_gives_the_ids_of_the_tokenizer(tokenizer, graph, texts):
    assert graph(texts) == python_ids(tokenizer, texts, 12_000)


@settings(max_examples=12)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [*"aegnotéÉßİ好東😀. -#[]\x00\t\u0301\u200d\u3000", "good", "again", "##", "[CLS]"]
            ),
            max_size=30,
        ).map("".join),
        min_size=1,
        max_size=40,
    )
)
def test_any_mixture_of_known_pieces_gives_the_ids_of_the_tokenizer(tokenizer, graph, texts):
    assert graph(texts) == python_ids(tokenizer, texts, 12_000)


def test_every_assigned_letter_in_a_word_gives_the_ids_of_the_tokenizer(tokenizer, graph):
    """One letter of every block of 64 code points, between letters that are known."""
    letters = [
        next(
            (c for c in map(chr, range(start, start + 64)) if unicodedata.category(c)[0] == kind),
            "",
        )
        for start in (*range(0, 0xD800, 64), *range(0xE000, 0x32000, 64))
        for kind in "LMNPSZ"
    ]
    text = [f"a{letter}n good{letter}" for letter in letters if letter]
    assert len(text) > 1500
    assert graph(text) == python_ids(tokenizer, text, 12_000)


@pytest.mark.parametrize("max_length", [2, 3, 7])
def test_texts_are_cut_as_the_tokenizer_cuts_them(max_length):
    tokenizer = make_tokenizer()
    received = graph_of(tokenizer, max_length)(CORPUS)
    assert received == python_ids(tokenizer, CORPUS, max_length)
    assert max(map(len, received)) == max_length


def test_a_tokenizer_without_special_tokens_is_repeated():
    tokenizer = make_tokenizer()
    tokenizer.post_processor = None
    assert graph_of(tokenizer, 64)(CORPUS) == python_ids(tokenizer, CORPUS, 64)


def test_the_processor_of_bert_is_repeated():
    tokenizer = make_tokenizer()
    special = [(token, tokenizer.token_to_id(token)) for token in ("[SEP]", "[CLS]")]
    tokenizer.post_processor = processors.BertProcessing(*special)
    received = graph_of(tokenizer, 64)(CORPUS)
    assert received == python_ids(tokenizer, CORPUS, 64)
    assert {row[0] for row in received} == {tokenizer.token_to_id("[CLS]")}


def test_a_graph_of_another_tokenizer_gives_other_ids():
    texts = ["A gripping film, CAFÉ"]
    ids = {
        lowercase: graph_of(make_tokenizer(lowercase=lowercase), 64)(texts)
        for lowercase in (True, False)
    }
    assert ids[True] != ids[False]


# === What cannot be repeated ===


def byte_pair_tokenizer():
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=90, special_tokens=["[PAD]", "[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def test_a_byte_pair_tokenizer_is_refused_with_what_to_do():
    with pytest.raises(ValueError, match=r"signatures=\['tokens'\].*of type BPE"):
        WordPieceGraph(byte_pair_tokenizer(), 16)


@pytest.mark.slow
def test_a_normaliser_that_looks_at_neighbours_is_refused():
    tokenizer = make_tokenizer()
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    with pytest.raises(ValueError, match="treat every code point by itself"):
        read_tables(tokenizer)


@pytest.mark.parametrize("pattern", ["ee", "oo"])
def test_a_pretokeniser_that_looks_for_a_pattern_is_refused(pattern):
    tokenizer = make_tokenizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Split(pattern, "isolated")]
    )
    with pytest.raises(ValueError, match="Received: pre_tokenizer of type Split"):
        read_tables(tokenizer)


@pytest.mark.slow
def test_a_pretokeniser_that_joins_neighbours_is_refused():
    tokenizer = make_tokenizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Punctuation("contiguous")
    with pytest.raises(ValueError, match="treat every code point by itself"):
        read_tables(tokenizer)


def test_a_vocabulary_with_gaps_is_refused():
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "a": 2}, unk_token="[UNK]"))
    with pytest.raises(ValueError, match="without gaps"):
        read_tables(tokenizer)


def test_an_unknown_processor_is_refused():
    tokenizer = make_tokenizer()
    tokenizer.post_processor = processors.ByteLevel()
    with pytest.raises(ValueError, match="Received: ByteLevel"):
        read_tables(tokenizer)


def test_a_pipeline_with_a_byte_pair_tokenizer_exports_without_the_text_signature(
    tmp_path, bag_of_words_name
):
    tokenizer = byte_pair_tokenizer()
    model = zoo.build(bag_of_words_name, vocabulary_size=tokenizer.get_vocab_size())
    pipeline = zoo.Pipeline(model, TextPreprocessor(tokenizer, 9), ["a", "b", "c"])
    with pytest.raises(ValueError, match="WordPiece"):
        export.to_savedmodel(pipeline, tmp_path / "dist", signatures=["serving_default"])
    assert not (tmp_path / "dist").exists()
    export.to_savedmodel(pipeline, tmp_path / "dist")
    assert "None takes raw inputs" in (tmp_path / "dist" / "README.md").read_text("utf-8")
    predictor = export.load(tmp_path / "dist")
    received = predictor(SENTENCES[:4])
    expected = pipeline(SENTENCES[:4])
    assert [p.label for p in received] == [p.label for p in expected]
    np.testing.assert_allclose(
        [p.probability for p in received], [p.probability for p in expected], rtol=0, atol=1e-5
    )
