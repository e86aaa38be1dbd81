"""How a layer's argument such as `score="dot"` becomes the object that computes it."""

import keras


def resolve(identifier, choices, argument):
    """Returns the piece that `identifier` names, refusing what could not be saved and loaded again.

    Args:
        identifier: A key of `choices`, a registered serialisable callable, or the serialised form
            of one (as found in a layer's configuration).
        choices: Dict from name to object.
        argument: Name of the argument, for the error message.

    Raises:
        ValueError: If the name is unknown, or the callable is not registered with
            `keras.saving.register_keras_serializable`.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str) and identifier in choices:
        return choices[identifier]
    if callable(identifier):
        # Only what has a name can be registered; a partial has none.
        if hasattr(identifier, "__name__") and identifier is keras.saving.get_registered_object(
            keras.saving.get_registered_name(identifier)
        ):
            return identifier
        raise ValueError(
            f"Received a callable for argument `{argument}` that a saved model could not find "
            "again. Expected a function decorated with "
            '`@keras.saving.register_keras_serializable("my_package")`. '
            f"Received: {argument}={identifier}"
        )
    raise ValueError(
        f"Received an invalid value for argument `{argument}`, expected one of "
        f"{sorted(choices)} or a registered serialisable callable. "
        f"Received: {argument}={identifier!r}"
    )


def serialize(identifier):
    """Returns `identifier` in the form that `get_config` keeps: names stay names."""
    return (
        identifier
        if isinstance(identifier, str)
        else keras.saving.serialize_keras_object(identifier)
    )
