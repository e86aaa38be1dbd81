"""A Functional model that takes exactly the inputs it names."""

import keras


@keras.saving.register_keras_serializable("attnzoo")
class NamedInputsModel(keras.Model):
    """A Functional model that refuses what Keras would silently misread.

    Keras pairs the entries of an input dictionary with the model's inputs by order, so an extra key
    feeds the wrong tensors when the shapes agree, and it ignores call keywords it does not know.
    Here an unknown or missing key is an error, as is an unknown keyword, and an optional input
    (`keras.Input(..., optional=True)`) may simply be left out.

    Args:
        inputs: Dict from input name to `keras.Input`.
        outputs: Output tensor, or a structure of them.
        name: Name of the model. Defaults to None (one is made).

    Attributes:
        metadata: JSON-like dict saved with the model; the zoo keeps the architecture's name and
            configuration here. Defaults to an empty dict.

    Raises:
        ValueError: When called with anything but a dict of its named inputs.
        TypeError: When called with an unknown keyword.

    Example:
    >>> import numpy as np
    >>> inputs = {"x": keras.Input((2,), name="x")}
    >>> model = NamedInputsModel(inputs, inputs["x"] * 2.0)
    >>> model({"y": np.ones((1, 2))})
    Traceback (most recent call last):
    ...
    ValueError: Received unknown or missing inputs, expected a dict with the keys ['x']...
    """

    def __init__(self, inputs, outputs, name=None, **kwargs):
        if not isinstance(inputs, dict):
            raise ValueError(
                "Received an invalid value for argument `inputs`, expected a dict from name to "
                f"`keras.Input`. Received: inputs={inputs}"
            )
        super().__init__(inputs, outputs, name=name, **kwargs)
        self.metadata = {}

    def compute_output_spec(self, inputs, *args, **kwargs):
        """Symbolic outputs, also where an optional input is left out (Keras's own fails)."""
        if all(tensor is not None for tensor in inputs.values()):
            return super().compute_output_spec(inputs, *args, **kwargs)
        return self._run_through_graph(inputs, operation_fn=lambda op: op.compute_output_spec)

    def __call__(self, inputs, *args, **kwargs):
        """Calls the model after checking the inputs' names."""
        unknown = sorted(set(kwargs) - {"training", "mask"})
        if unknown:
            raise TypeError(
                f"Received unknown call arguments for `{self.name}`, expected `training` or "
                f"`mask`. Received: {', '.join(unknown)}"
            )
        return super().__call__(self._complete(inputs), *args, **kwargs)

    def call(self, inputs, training=None, mask=None, **kwargs):
        """Runs the model; on JAX, `fit` and `predict` come here without `__call__`."""
        return super().call(self._complete(inputs), training=training, mask=mask, **kwargs)

    def _complete(self, inputs):
        """Returns `inputs` with None for the optional ones that were left out."""
        expected = self._inputs_struct
        optional = {key for key, tensor in expected.items() if _is_optional(tensor)}
        received = set(inputs) if isinstance(inputs, dict) else None
        if received is None or received - set(expected) or set(expected) - optional - received:
            choice = f" ({sorted(optional)} may be left out)" if optional else ""
            raise ValueError(
                "Received unknown or missing inputs, expected a dict with the keys "
                f"{sorted(expected)}{choice}. Received: "
                f"{sorted(received) if received is not None else type(inputs).__name__}"
            )
        return {key: inputs.get(key) for key in expected}

    def get_config(self):
        """The Functional configuration and the metadata."""
        return {**super().get_config(), "metadata": dict(self.metadata)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Rebuilds the Functional model and its metadata."""
        config = dict(config)
        metadata = config.pop("metadata", {})
        model = super().from_config(config, custom_objects)
        model.metadata = metadata
        return model


def _is_optional(tensor):
    return getattr(tensor._keras_history.operation, "optional", False)
