"""Types of arguments that argparse lacks."""

import argparse


def positive_integer(text):
    """Returns a positive integer from its text."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)


def some_of(known, text):
    """Reads names that are separated by commas, each of them known and there once."""
    names = [name.strip() for name in text.split(",")]
    if set(names) - set(known) or len(set(names)) != len(names):
        raise argparse.ArgumentTypeError(f"expected some of {','.join(known)}, received {text!r}")
    return names
