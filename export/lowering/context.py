"""The context in which a model's layers call fused operators."""

import contextlib
import functools
from collections import Counter

import keras

from . import operators
from .markers import counted_marks
from .table import TABLE
from .unsaid import Unsaid


class Lowering:
    """What became of a model's layers while they were traced.

    Attributes:
        fused: `Counter` of the fused operators that layers called.
        decomposed: `Counter` of what computes by its own formula, as no operator says it: classes
            of layers.
    """

    def __init__(self, fused):
        self.fused = fused
        self.decomposed = Counter()
        self._others = {}

    @property
    def others(self):
        """`Counter` of the classes of layers with weights that the table does not hold."""
        return Counter(self._others.values())

    def call(self, layer, lowered_call):
        """Returns the `call` of a layer: lowered, or its own where no operator says it."""
        own_call = layer.call

        @functools.wraps(own_call)
        def call(*args, **kwargs):
            try:
                return lowered_call(layer, *args, **kwargs)
            except Unsaid as unsaid:
                self.decomposed[unsaid.name] += 1
                return own_call(*args, **kwargs)

        return call

    def counted_call(self, layer):
        """Returns the `call` of a layer that the table does not hold, counted once."""
        own_call = layer.call

        @functools.wraps(own_call)
        def call(*args, **kwargs):
            self._others[id(layer)] = type(layer).__name__
            return own_call(*args, **kwargs)

        return call


@contextlib.contextmanager
def lowered(model, standard=False):
    """Rebinds the `call` of every layer of a model that the table holds, and restores it.

    Args:
        model: A float32 Keras model.
        standard: Whether layers call operators of the ONNX standard, of opset 23, in place of ONNX
            Runtime's own. Defaults to False.

    Yields:
        `Lowering`, which counts while the model is called.
    """
    rebound = []
    token = operators.standard.set(standard)
    with counted_marks() as fused:
        lowering = Lowering(fused)
        try:
            for layer in _layers_of(model):
                if type(layer) in TABLE:
                    call = lowering.call(layer, TABLE[type(layer)])
                elif _has_weights_alone(layer):
                    call = lowering.counted_call(layer)
                else:
                    continue
                object.__setattr__(layer, "call", call)
                rebound.append(layer)
            yield lowering
        finally:
            operators.standard.reset(token)
            for layer in rebound:
                object.__delattr__(layer, "call")


def _has_weights_alone(layer):
    """Returns whether something is a layer with weights and without layers inside."""
    return (
        isinstance(layer, keras.Layer)
        and bool(layer.weights)
        and not layer._flatten_layers(include_self=False)
    )


def _layers_of(model):
    """Returns every layer, however deep, and every operation of Functional models, each once."""
    layers = model._flatten_layers()
    operations = (
        operation
        for layer in layers
        if isinstance(layer, keras.Model)
        for operation in getattr(layer, "operations", ())
    )
    return list({id(layer): layer for layer in (*layers, *operations)}.values())
