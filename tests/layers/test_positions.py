import pytest

from attnzoo.layers import LearnedPositionalEncoding, SinusoidalPositionalEncoding, positions


@pytest.mark.parametrize(
    ("name", "layer_class"),
    [("learned", LearnedPositionalEncoding), ("sinusoidal", SinusoidalPositionalEncoding)],
)
def test_a_name_gives_a_new_layer_with_the_given_arguments(name, layer_class):
    layer = positions.get(name, max_length=7, name="position", dtype="mixed_float16")
    assert type(layer) is layer_class
    assert (layer.max_length, layer.name, layer.compute_dtype) == (7, "position", "float16")
    assert positions.get(name, max_length=7) is not layer


def test_none_means_no_positions():
    assert positions.get(None, max_length=7) is None


def test_an_unknown_name_is_refused():
    with pytest.raises(
        ValueError, match=r"`position`, expected one of \[.*'learned', .*'sinusoidal'.*'rotary'"
    ):
        positions.get("rotary", max_length=7)


def test_every_name_in_the_table_is_a_layer_that_takes_max_length():
    for name in positions.INPUT_POSITIONS:
        assert positions.get(name, max_length=3).get_config()["max_length"] == 3
