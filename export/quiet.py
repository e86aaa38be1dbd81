"""TensorFlow's talk kept off the screen where it says nothing to a user."""

import contextlib
import logging


def quiet_tensorflow():
    """Hides TensorFlow's warnings, such as that its way of loading for TF Serving is deprecated."""
    return quiet("tensorflow")


@contextlib.contextmanager
def quiet(logger_name):
    """Hides what a logger reports, unless it is an error."""
    logger = logging.getLogger(logger_name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
