"""Settings that all tests share."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest
from hypothesis import settings

# The same few examples every time: a failure on one machine is a failure on all.
# JAX compiles every operation for every new shape.
settings.register_profile(
    "attnzoo",
    max_examples=2 if keras.backend.backend() == "jax" else 8,
    deadline=None,
    derandomize=True,
)
settings.load_profile("attnzoo")


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)
