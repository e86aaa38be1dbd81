"""Sentences cut to words inside a graph: the words, places and ids of the Python preprocessor."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st

from attnzoo.export.raw_inputs import SentenceInput
from attnzoo.zoo.words_preprocessor import WordsPreprocessor

from .small_models import MAX_LENGTH, make_tokenizer
from .test_text_signature import CORPUS

texts_of_any_kind = st.lists(
    st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=20
)


@pytest.fixture(scope="module", params=[True, False], ids=["uncased", "cased"])
def preprocessor(request):
    return WordsPreprocessor(make_tokenizer(220, lowercase=request.param), MAX_LENGTH)


@pytest.fixture(scope="module")
def from_texts(preprocessor):
    module = SentenceInput(preprocessor)
    return tf.function(module.__call__, input_signature=[module.signature])


@pytest.fixture(scope="module")
def from_words(preprocessor):
    module = SentenceInput(preprocessor)
    return tf.function(module.from_words, input_signature=[module.words_signature])


def check(preprocessor, sentences, tensors):
    batch = preprocessor.collate(preprocessor.encode(sentences))
    np.testing.assert_array_equal(tensors["token_ids"], batch["token_ids"])
    np.testing.assert_array_equal(tensors["lengths"], batch["padding_mask"].sum(axis=1))
    np.testing.assert_array_equal(tensors["word_starts"], batch["word_starts"])


def check_texts(preprocessor, from_texts, texts):
    tensors, found = from_texts(tf.constant(texts, tf.string))
    sentences = preprocessor.checked(texts)
    check(preprocessor, sentences, tensors)
    for index, sentence in enumerate(sentences):
        count = len(sentence.words)
        words = [word.decode() for word in found["words"].numpy()[index].tolist()]
        assert words[:count] == sentence.words
        assert not any(words[count:])
        for name, places in (("start", sentence.starts), ("end", sentence.ends)):
            row = found[name].numpy()[index].tolist()
            assert row[:count] == places
            assert set(row[count:]) <= {-1}


def test_texts_of_many_scripts_are_cut_as_in_python(preprocessor, from_texts):
    check_texts(preprocessor, from_texts, list(CORPUS))


@settings(max_examples=15)
@given(texts_of_any_kind)
@example(["\u0130\u0307", "ß\u0301", "\u1e9e", "a\u0301b", "\u0301", "a \u0301 b", "\x00a\x00"])
@example(["", ""])
def test_any_text_is_cut_as_in_python(preprocessor, from_texts, texts):
    check_texts(preprocessor, from_texts, texts)


@settings(max_examples=15)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9), max_size=8
        ),
        min_size=1,
        max_size=6,
    )
)
@example([["\u200d", "good", "東" * 300, " "], []])
def test_any_words_have_the_ids_of_the_python_preprocessor(preprocessor, from_words, sentences):
    width = max(1, *map(len, sentences), 1)
    padded = [[*words, *[""] * (width - len(words))] for words in sentences]
    tensors, found = from_words(tf.constant(padded, tf.string))
    check(preprocessor, sentences, tensors)
    assert [[w.decode() for w in row] for row in found["words"].numpy().tolist()] == padded


@pytest.fixture
def exported_tagger(export_of):
    return export_of("sequence_tagger")


@pytest.mark.parametrize("variant", ["savedmodel/1", "onnx/model.onnx"])
def test_exported_files_tag_as_the_pipeline_does(exported_tagger, variant):
    from attnzoo import export

    sentences = [*CORPUS[:12], ["A", "gripping", "film"], [], ["東" * 300, "x"]]
    expected = exported_tagger.pipeline(sentences)
    received = export.load(exported_tagger.folder / variant)(sentences)
    for one, other in zip(received, expected, strict=True):
        places = [[(w.word, w.start, w.end) for w in tagged.words] for tagged in (one, other)]
        assert places[0] == places[1]
        assert one.labels == other.labels
        np.testing.assert_allclose(
            [w.probability for w in one.words], [w.probability for w in other.words], atol=1e-5
        )


def test_a_served_sentence_comes_back_with_words_labels_and_places(exported_tagger):
    text = "Not bad at all; the staff were friendly, the rooms spotless."
    answer = exported_tagger.serving.run("serving_default", {"text": np.array([text], object)})
    (tagged,) = exported_tagger.pipeline(text)
    assert [w.decode() for w in answer["words"][0]] == [w.word for w in tagged.words]
    assert [label.decode() for label in answer["label"][0]] == list(tagged.labels)
    spans = zip(answer["start"][0], answer["end"][0], strict=True)
    assert [text[start:end] for start, end in spans] == [w.word for w in tagged.words]
