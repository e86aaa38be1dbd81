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
        if not is_count(value) or value < 1:
            raise ValueError(
                f"Received an invalid value for argument `{name}`, expected a positive integer. "
                f"Received: {name}={value}"
            )


def check_not_negative(**arguments):
    """Raises a ValueError unless each argument is an integer of at least 0.

    Example:
    >>> check_not_negative(global_tokens=-1)
    Traceback (most recent call last):
    ...
    ValueError: Received an invalid value for argument `global_tokens`, expected a non-negative
    integer. Received: global_tokens=-1
    """
    for name, value in arguments.items():
        if not is_count(value):
            raise ValueError(
                f"Received an invalid value for argument `{name}`, expected a non-negative "
                f"integer. Received: {name}={value!r}"
            )


def checked_stages(**arguments):
    """Returns lists of positive integers, one for each stage of convolutions, as tuples.

    Raises:
        ValueError: If one is no such list, is empty, or they are not of one length.

    Example:
    >>> checked_stages(kernel_sizes=[5, 5], strides=[2, 2])
    [(5, 5), (2, 2)]
    """
    for name, values in arguments.items():
        are_counts = isinstance(values, list | tuple) and all(is_count(n) and n for n in values)
        if not are_counts or not values:
            raise ValueError(
                f"Received an invalid value for argument `{name}`, expected positive integers, one "
                f"for each convolution. Received: {name}={values!r}"
            )
    stages = [tuple(values) for values in arguments.values()]
    if len(set(map(len, stages))) > 1:
        named = ", ".join(f"{name}={value}" for name, value in zip(arguments, stages, strict=True))
        raise ValueError(f"Expected as many of each as there are convolutions. Received: {named}")
    return stages


def is_count(value):
    """Whether a value is an integer of at least 0; a boolean is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def check_wavelength(max_wavelength):
    """Raises a ValueError unless the wavelength of a position is a positive number."""
    if not max_wavelength > 0:
        raise ValueError(
            "Received an invalid value for argument `max_wavelength`, expected a positive "
            f"number. Received: max_wavelength={max_wavelength}"
        )
