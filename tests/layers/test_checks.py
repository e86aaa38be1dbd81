import pytest

from attnzoo.layers.checks import check_not_negative, check_positive


@pytest.mark.parametrize("value", [0, -3, 1.0, True, None, "2"])
def test_what_is_no_positive_integer_is_refused_by_name(value):
    with pytest.raises(
        ValueError, match=rf"argument `b`, expected a positive integer. Received: b={value}"
    ):
        check_positive(a=1, b=value)


def test_none_passes_where_it_is_optional():
    check_positive(optional=True, a=None, b=2)
    with pytest.raises(ValueError, match="b=0"):
        check_positive(optional=True, a=None, b=0)


def test_what_is_no_count_is_refused_by_name():
    check_not_negative(a=0, b=3)
    for value in (-1, 1.0, True, None, "2"):
        with pytest.raises(ValueError, match=rf"`b`, expected a non-negative integer.*b={value!r}"):
            check_not_negative(a=0, b=value)
