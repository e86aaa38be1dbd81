"""How a layer's argument such as `score="dot"` becomes the object that computes it."""

import keras


def resolve(identifier, choices, argument, **kwargs):
    """Returns the piece that `identifier` names, refusing what could not be saved and loaded again.

    Args:
        identifier: A key of `choices`, a layer, a registered serialisable callable, or the
            serialised form of either (as found in a layer's configuration).
        choices: Dict from name to a function, or to the class of a layer.
        argument: Name of the argument, for the error message.
        **kwargs: Passed to the constructor where the name is that of a layer.

    Raises:
        ValueError: If the name is unknown, or the callable is not registered with
            `keras.saving.register_keras_serializable`.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str) and identifier in choices:
        choice = choices[identifier]
        return choice(**kwargs) if isinstance(choice, type) else choice
    if callable(identifier):
        # A layer is saved by its class; only what has a name can be registered, a partial has none.
        named = type(identifier) if isinstance(identifier, keras.layers.Layer) else identifier
        if hasattr(named, "__name__") and named is keras.saving.get_registered_object(
            keras.saving.get_registered_name(named)
        ):
            return identifier
        raise ValueError(
            f"Received a callable for argument `{argument}` that a saved model could not find "
            "again. Expected a function or layer class decorated with "
            '`@keras.saving.register_keras_serializable("my_package")`. '
            f"Received: {argument}={identifier}"
        )
    raise ValueError(
        f"Received an invalid value for argument `{argument}`, expected one of "
        f"{sorted(choices)} or a registered serialisable callable. "
        f"Received: {argument}={identifier!r}"
    )


def kept(identifier, resolved):
    """Returns what a layer keeps of its argument: the name, or else the object itself.

    A loaded layer is given the serialised form; it must keep the same as the layer that was saved,
    as Keras finds weights by the attributes that lead to them.
    """
    return identifier if isinstance(identifier, str) else resolved


def serialize(identifier):
    """Returns `identifier` in the form that `get_config` keeps: names and None stay as they are."""
    if identifier is None or isinstance(identifier, str):
        return identifier
    return keras.saving.serialize_keras_object(identifier)
