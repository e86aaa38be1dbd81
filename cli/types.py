"""Types of arguments that argparse lacks."""

import argparse


def positive_integer(text):
    """Returns a positive integer from its text."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a positive integer, received {text!r}")
    return int(text)
