"""Encoder blocks whose vectors stay sequences, where Keras's are cut to rows for speed.

In ONNX Runtime a product of matrices takes sequences as well as rows, and each change between the
two would be a chain of operators.
"""


def encoder_block(layer, *args, **kwargs):
    """`TransformerEncoderBlock.call` without rows."""
    object.__setattr__(layer, "_as_rows", lambda sequences: sequences)
    object.__setattr__(layer, "_as_sequences", lambda sequences, like: sequences)
    try:
        return type(layer).call(layer, *args, **kwargs)
    finally:
        object.__delattr__(layer, "_as_rows")
        object.__delattr__(layer, "_as_sequences")
