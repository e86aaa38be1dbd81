"""Checks of constructor arguments that several layers share, in Keras's form of error."""


def check_positive(optional=False, **arguments):
    """Raises a ValueError unless each argument is a positive integer (or None, if `optional`).

    Example:
    >>> check_positive(num_heads=0)
    Traceback (most recent call last):
    ...
    ValueError: Received an invalid value for argument `num_heads`, expected a positive integer.
    Received: num_heads=0
    """
    for name, value in arguments.items():
        if optional and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(
                f"Received an invalid value for argument `{name}`, expected a positive integer. "
                f"Received: {name}={value}"
            )
