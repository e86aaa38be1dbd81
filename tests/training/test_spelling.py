import keras
import numpy as np
import pytest

from attnzoo import training
from attnzoo.training.spelling import spelled_embeddings

VECTORS = np.random.default_rng(0).normal(0, 0.02, (5000, 512))


def similarity(one, other):
    first, second = spelled_embeddings([one, other], VECTORS)
    return first @ second / np.linalg.norm(first) / np.linalg.norm(second)


@pytest.mark.parametrize(
    ("token", "alike", "unlike"),
    [
        ("walking", "talking", "houses"),
        ("nation", "national", "potato"),
        ("walking", "Walking", "Berlin"),
        ("1984", "2026", "film"),
        ("##ness", "##less", "##ing"),
    ],
)
def test_tokens_that_are_spelled_alike_begin_alike(token, alike, unlike):
    assert similarity(token, alike) > similarity(token, unlike) + 0.05


def test_every_token_begins_by_itself_and_at_the_asked_scale():
    tokens = ["a", "A", "##a", "b", "ab", "ba", "[CLS]", ".", "é", "東", "##1"]
    vectors = spelled_embeddings(tokens, VECTORS, deviation=0.5)
    assert vectors.dtype == "float32"
    assert len({vector.tobytes() for vector in vectors}) == len(tokens)
    assert vectors.std() == pytest.approx(0.5, rel=0.1)
    np.testing.assert_array_equal(spelled_embeddings(tokens, VECTORS, 0.5), vectors)


def test_a_new_tagger_begins_so_and_a_trained_one_stays_as_it_is(tagger, tagged_data):
    def weights(pipeline):
        return pipeline.model.get_layer("token_embedding").get_weights()[0]

    index = [tagger.preprocessor.tokenizer.token_to_id(token) for token in ("Anna", "Paris")]
    first, second = weights(tagger)[index]
    assert weights(tagger).std() == pytest.approx(0.3, rel=0.2)
    assert first @ second > 0
    again = training.prepare(tagger, tagged_data)
    np.testing.assert_array_equal(weights(again), weights(tagger))


def test_the_seed_decides_how_a_tagger_begins(tagged_data):
    def weights(seed):
        keras.utils.set_random_seed(seed)
        pipeline = training.prepare("sequence_tagger/tiny", tagged_data)
        return pipeline.model.get_layer("token_embedding").get_weights()[0]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert np.abs(weights(1) - weights(2)).max() > 0.1
