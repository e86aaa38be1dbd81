import numpy as np
import pytest

from attnzoo import zoo

from . import speech_reference
from .test_speech_encoder import CENTERED, OF_SAMPLES, RATE, VECTOR, answers, encoder, recordings

CHUNKED = {"att_context_style": "chunked_limited"}
CONTEXTS = {
    "regular": [(8, 3), (5, 0), (0, 4), (3, 8)],
    "chunked_limited": [(8, 3), (0, 3), (7, 0), (5, 15)],
}


def stream(encoder, inputs, mask):
    """What the streams of a batch answer: a list of the real vectors of each."""
    state, outputs = encoder.initial_state(len(inputs)), []
    for begin in range(0, inputs.shape[1], encoder.steps_per_chunk):
        part = slice(begin, begin + encoder.steps_per_chunk)
        answer, state = encoder.step(inputs[:, part], state, mask[:, part])
        outputs.append(answer)
    answer, state = encoder.flush(state)
    outputs.append(answer)
    joined = {name: np.concatenate([o[name] for o in outputs], 1) for name in answer}
    answered = joined.pop("padding_mask")
    (vectors,) = joined.values()
    return [row[real] for row, real in zip(vectors, answered, strict=True)]


@pytest.mark.parametrize("kernel", [None, 5])
@pytest.mark.parametrize(
    ("style", "context"), [(style, context) for style in CONTEXTS for context in CONTEXTS[style]]
)
def test_a_stream_answers_as_the_whole_recording_does(style, context, kernel):
    model = encoder(
        att_context_size=context, att_context_style=style, convolution_kernel=kernel, num_layers=3
    )
    waveform, mask = recordings(2 * RATE + 37, 9000, 3 * VECTOR)
    expected = answers(model, waveform, mask)
    chunk = context[1] + 1
    for chunk_size in [1, 2, 5, 16, 64] if style == "regular" else [chunk, 2 * chunk]:
        for answer, reference in zip(
            stream(zoo.StreamingEncoder(model, chunk_size), waveform, mask), expected, strict=True
        ):
            np.testing.assert_allclose(answer, reference, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "overrides", [{"att_context_size": (4, 2)}, {"att_context_size": (4, 2), **CHUNKED}]
)
def test_a_stream_answers_as_the_network_of_the_papers_in_float64(overrides):
    model = encoder(**overrides)
    waveform, mask = recordings(RATE, 11 * VECTOR + 5)
    expected = speech_reference.logits(model, waveform, mask)
    for answer, reference in zip(
        stream(zoo.StreamingEncoder(model, 3), waveform, mask), expected, strict=True
    ):
        np.testing.assert_allclose(answer, reference, rtol=0, atol=1e-4)


def test_a_minute_is_as_exact_as_a_second():
    model = encoder(att_context_size=(8, 3), num_layers=3)
    waveform, mask = recordings(60 * RATE)
    (answer,) = stream(zoo.StreamingEncoder(model, 16), waveform, mask)
    np.testing.assert_allclose(answer, answers(model, waveform, mask)[0], rtol=0, atol=1e-5)


def test_features_stream_too():
    model = encoder(att_context_size=(8, 3), input="features")
    features = np.random.default_rng(0).normal(size=(2, 103, 10)).astype("float32")
    mask = np.arange(103) < np.array([[103], [41]])
    expected = np.asarray(model({"features": features, "padding_mask": mask}))
    streamed = stream(zoo.StreamingEncoder(model, 4), features, mask)
    for row, count in enumerate((25, 10)):
        np.testing.assert_allclose(streamed[row], expected[row, :count], rtol=0, atol=1e-5)


def test_the_backbone_streams_its_vectors():
    model = encoder(att_context_size=(8, 3), num_classes=0)
    waveform, mask = recordings(RATE)
    encoder_ = zoo.StreamingEncoder(model, 4)
    outputs, _ = encoder_.step(waveform[:, : encoder_.steps_per_chunk], encoder_.initial_state(1))
    assert set(outputs) == {"embedding", "padding_mask"}
    expected = np.asarray(model({"waveform": waveform}))
    np.testing.assert_allclose(stream(encoder_, waveform, mask)[0], expected[0], atol=1e-5)


@pytest.mark.parametrize(
    ("style", "lookahead", "latency"), [("regular", 9, 680), ("chunked_limited", 0, 320)]
)
def test_it_says_how_late_it_is(style, lookahead, latency):
    model = encoder(att_context_size=(8, 3), att_context_style=style, num_layers=3)
    streaming = zoo.StreamingEncoder(model, 8)
    assert streaming.steps_per_chunk == 8 * VECTOR
    assert streaming.lookahead_frames == lookahead
    assert streaming.latency_ms == latency


def test_no_part_of_the_state_is_idle():
    model = encoder(att_context_size=(8, 3))
    streaming = zoo.StreamingEncoder(model, 4)
    waveform, _ = recordings(RATE)
    size = streaming.steps_per_chunk
    state = streaming.initial_state(1)
    assert all(not value.any() for value in state.values())
    for chunk in range(4):
        _, state = streaming.step(waveform[:, chunk * size : (chunk + 1) * size], state)
    rest = waveform[:, 4 * size : 5 * size]
    outputs, _ = streaming.step(rest, state)
    for name, value in state.items():
        forgotten, _ = streaming.step(rest, {**state, name: np.zeros_like(value)})
        assert (forgotten["logits"] != outputs["logits"]).any(), name


def test_a_stream_that_is_over_does_not_hold_up_the_others():
    model = encoder(att_context_size=(8, 3))
    waveform, mask = recordings(RATE, 5 * VECTOR)
    streaming = zoo.StreamingEncoder(model, 4)
    long, short = stream(streaming, waveform, mask)
    alone = stream(streaming, waveform[:1], mask[:1])[0]
    np.testing.assert_allclose(long, alone, atol=1e-6)
    assert len(short) == 5


@pytest.mark.parametrize(
    ("overrides", "chunk_size", "message"),
    [
        ({"att_context_size": None}, 4, r"limited `att_context_size`"),
        ({"head": "class"}, 4, "'ctc' or 'frames'"),
        ({"feature_normalization": "utterance"}, 4, "`feature_normalization='global'`"),
        (OF_SAMPLES, 4, "the stem 'causal'.*stem='waveform'"),
        (CENTERED, 4, "the stem 'causal'.*stem='centered'"),
        ({"position": "sinusoidal"}, 4, "acts between vectors.*position='sinusoidal'"),
        ({"position": "learned", "max_vectors": 9}, 4, "position='learned'"),
        ({}, 0, "`chunk_size`, expected a positive multiple of 1"),
        ({}, 2.0, "`chunk_size`, expected a positive multiple of 1"),
        ({"att_context_size": (8, 3), **CHUNKED}, 6, "positive multiple of 4"),
    ],
)
def test_what_cannot_be_streamed_says_why(overrides, chunk_size, message):
    model = encoder(**{"att_context_size": (8, 3), **overrides})
    with pytest.raises(ValueError, match=message):
        zoo.StreamingEncoder(model, chunk_size)


def test_another_architecture_is_refused():
    with pytest.raises(ValueError, match="Expected a speech encoder to stream"):
        zoo.StreamingEncoder(zoo.build("sentiment_classifier/tiny"), 4)


def test_a_state_that_is_not_this_encoders_is_refused():
    streaming = zoo.StreamingEncoder(encoder(att_context_size=(8, 3)), 4)
    other = zoo.StreamingEncoder(encoder(att_context_size=(6, 3)), 4)
    chunk = np.zeros((2, streaming.steps_per_chunk), "float32")
    for state in (other.initial_state(2), streaming.initial_state(1), {}):
        with pytest.raises(ValueError, match="Expected a state of this encoder"):
            streaming.step(chunk, state)


def test_a_chunk_of_another_shape_is_refused():
    streaming = zoo.StreamingEncoder(encoder(), 4)
    state, size = streaming.initial_state(1), streaming.steps_per_chunk
    with pytest.raises(ValueError, match=f"at most {size} steps"):
        streaming.step(np.zeros((1, size + 1)), state)
    with pytest.raises(ValueError, match="Expected a chunk of shape"):
        streaming.step(np.zeros(size), state)
    with pytest.raises(ValueError, match="Expected a mask of shape"):
        streaming.step(np.zeros((1, size)), state, mask=np.ones((1, size - 1), bool))
