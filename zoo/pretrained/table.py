"""Tables that pair our weights with the tensors of a checkpoint, readable both ways."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Entry:
    """Some of our weights, and the tensors that hold the same numbers.

    Args:
        ours: Paths of our weights, such as `"logits/kernel"`.
        theirs: Names of the tensors; `"a|b"` is `a`, which some checkpoints call `b`.
        read: `f(*tensors) -> weights`, as many as `ours`.
        write: `f(*weights) -> tensors`, as many as `theirs`. Defaults to None (a format that is
            only read).
    """

    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    read: Callable
    write: Callable | None = None


def kept(ours, theirs):
    """A weight that is stored as it is."""
    return Entry((ours,), (theirs,), lambda array: (array,), lambda array: (array,))


def transposed(ours, theirs):
    """A kernel `(inputs, outputs)`, which PyTorch stores as `(outputs, inputs)`."""
    return Entry((ours,), (theirs,), lambda array: (array.T,), lambda array: (array.T,))


def convolution(ours, theirs):
    """A 2-D convolution with bias: `(height, width, in, out)` from `(out, in, height, width)`."""
    kernel = Entry(
        (f"{ours}/kernel",),
        (f"{theirs}.weight",),
        lambda array: (array.transpose(2, 3, 1, 0),),
        lambda array: (array.transpose(3, 2, 0, 1),),
    )
    return [kernel, kept(f"{ours}/bias", f"{theirs}.bias")]


def convolution_1d(ours, theirs, use_bias=True):
    """A 1-D convolution: `(size, in, out)` from `(out, in, size)`."""
    kernel = Entry(
        (f"{ours}/kernel",),
        (f"{theirs}.weight",),
        lambda array: (array.transpose(2, 1, 0),),
        lambda array: (array.transpose(2, 1, 0),),
    )
    return [kernel, kept(f"{ours}/bias", f"{theirs}.bias")][: 2 if use_bias else 1]


def of_encoder(entries):
    """The same where the tensors are those of an encoder by itself, or of one with a decoder."""
    return [
        dataclasses.replace(
            entry,
            theirs=tuple(f"{name}|encoder.{name}" for name in entry.theirs),
        )
        for entry in entries
    ]


def row_first(entry, row):
    """The same entry of tensors of which a row has another place: it is our first."""

    def read(*arrays):
        return entry.read(
            *(np.concatenate([a[row : row + 1], np.delete(a, row, 0)]) for a in arrays)
        )

    return dataclasses.replace(entry, read=read)


def without_tensor(ours, size):
    """A vector that changes nothing and that the checkpoint has not: zeros, not written back."""
    return Entry((ours,), (), lambda: (np.zeros(size, "float32"),), lambda array: ())


def rows_after(ours, theirs, count):
    """A table whose first `count` rows are of no use to us, and written back as zeros."""
    return Entry(
        (ours,),
        (theirs,),
        lambda array: (array[count:],),
        lambda array: (
            np.concatenate([np.zeros_like(array, shape=(count, array.shape[1])), array]),
        ),
    )


def image_positions(tokens):
    """Positions of patches, and tokens before these, which have positions there and none here.

    A token of ours is the sum of both; it is written back with zeros for its position.

    Args:
        tokens: Names of the layers of the tokens, in their order.
    """
    theirs = {"class_token": "cls_token"}

    def read(*arrays):
        *vectors, positions = arrays
        count = len(tokens)
        sums = [v[0, 0] + positions[0, i] for i, v in enumerate(vectors)]
        return *sums, positions[0, count:]

    def write(*arrays):
        *vectors, table = arrays
        before = np.zeros_like(table, shape=(len(tokens), table.shape[1]))
        return *(v[None, None] for v in vectors), np.concatenate([before, table])[None]

    return Entry(
        (*(f"{token}/token" for token in tokens), "position/table"),
        (
            *(f"embeddings.{theirs.get(token, token)}" for token in tokens),
            "embeddings.position_embeddings",
        ),
        read,
        write,
    )


def dense(ours, theirs):
    """A dense layer with bias."""
    return [
        transposed(f"{ours}/kernel", f"{theirs}.weight"),
        kept(f"{ours}/bias", f"{theirs}.bias"),
    ]


def norm(ours, theirs):
    """A layer normalisation, whose parts the first checkpoints called gamma and beta."""
    return [
        kept(f"{ours}/gamma", f"{theirs}.weight|{theirs}.gamma"),
        kept(f"{ours}/beta", f"{theirs}.bias|{theirs}.beta"),
    ]


def block(index, layer, attention, attention_norm, feed_forward, feed_forward_norm):
    """An encoder block.

    Args:
        index: Its number.
        layer: What the names of its tensors begin with, such as `"encoder.layer.0"`.
        attention: Names of the query, key, value and output projections.
        attention_norm: Name of the normalisation that goes with attention.
        feed_forward: Names of the two dense layers.
        feed_forward_norm: Name of the normalisation that goes with them.
    """
    ours = f"encoder_block_{index}"
    parts = ("query", "key", "value", "attention_output")
    entries = []
    for part, theirs in zip(parts, attention, strict=True):
        entries += dense(f"{ours}/self_attention/{part}", f"{layer}.{theirs}")
    for part, theirs in zip(("intermediate", "feed_forward_output"), feed_forward, strict=True):
        entries += dense(f"{ours}/{part}", f"{layer}.{theirs}")
    entries += norm(f"{ours}/attention_norm", f"{layer}.{attention_norm}")
    entries += norm(f"{ours}/feed_forward_norm", f"{layer}.{feed_forward_norm}")
    return entries


def no_head(config):
    """Of families whose classes have no head like ours."""
    return []


def classifier(config):
    """The head of one dense layer, as most families have it."""
    return dense("logits", "classifier")


def two_layer_classifier(config):
    """The head of two dense layers that RoBERTa brought and ELECTRA has too."""
    return dense("head_dense", "classifier.dense") + dense("logits", "classifier.out_proj")
