"""TensorFlow's talk kept off the screen where it says nothing to a user."""

import contextlib
import logging


@contextlib.contextmanager
def quiet_tensorflow():
    """Hides TensorFlow's warnings, such as that its way of loading for TF Serving is deprecated."""
    logger = logging.getLogger("tensorflow")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
