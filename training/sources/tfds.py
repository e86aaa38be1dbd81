"""Labelled texts from TensorFlow Datasets, downloaded only when asked to."""

from .rows import DataError, Row

_SPLITS = ("train", "validation", "test")


class TfdsSource:
    """Rows of one prepared split, read anew each time."""

    def __init__(self, builder, split, text_feature, label_feature):
        self.builder = builder
        self.split = split
        self.text_feature = text_feature
        self.label_feature = label_feature

    def __iter__(self):
        """Yields every row; class labels by their names."""
        import tensorflow_datasets as tfds

        names = self.builder.info.features[self.label_feature]
        dataset = self.builder.as_dataset(split=self.split, shuffle_files=False)
        for index, example in enumerate(tfds.as_numpy(dataset)):
            origin = f"tfds:{self.builder.name}/{self.split}, example {index}"
            label = example[self.label_feature]
            if isinstance(label, bytes):
                label = label.decode("utf-8", errors="replace")
            elif hasattr(names, "int2str"):
                if label < 0:
                    raise DataError(f"Expected a label in {origin}; there is none.")
                label = names.int2str(label)
            text = example[self.text_feature].decode("utf-8", errors="replace")
            yield Row(text, str(label), origin)

    def is_labelled(self):
        """Returns whether the first example has a label; GLUE marks its test rows by -1."""
        import tensorflow_datasets as tfds

        dataset = self.builder.as_dataset(split=self.split, shuffle_files=False)
        first = next(iter(tfds.as_numpy(dataset.take(1))), None)
        label = None if first is None else first[self.label_feature]
        return isinstance(label, bytes) or label is None or label >= 0


def open_tfds(name, text_feature=None, label_feature=None, download=False):
    """Opens a text data set of TFDS by its name.

    Args:
        name: Such as `"imdb_reviews"` or `"glue/sst2"`.
        text_feature: Name of the texts' feature. Defaults to None (the only text feature).
        label_feature: Name of the labels' feature. Defaults to None (the only class label).
        download: Whether it may be downloaded if it is not prepared. Defaults to False.

    Returns:
        Dict from split name to `TfdsSource`, and the lines that say what was understood.

    Raises:
        DataError: If the name is unknown, the data are not prepared and `download` is False, or
            its features do not fit.
    """
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, try_gcs=False)
    except tfds.core.registered.DatasetNotFoundError as error:
        raise DataError(
            "Expected the name of a TensorFlow Datasets data set, as `tfds.list_builders()` gives. "
            f"Received: tfds:{name}"
        ) from error
    if not builder.is_prepared():
        if not download:
            raise DataError(
                f"Expected tfds:{name} to be prepared in {builder.data_dir}. Pass `download=True` "
                "(`--download`) to fetch it over the network."
            )
        builder.download_and_prepare()
    text = _feature(builder, text_feature, tfds.features.Text, "text")
    label = _feature(builder, label_feature, tfds.features.ClassLabel, "label")
    splits = [split for split in _SPLITS if split in builder.info.splits]
    sources = {split: TfdsSource(builder, split, text, label) for split in splits}
    labelled = {split: source for split, source in sources.items() if source.is_labelled()}
    lines = [
        f"tfds:{name}: text in feature {text!r}, label in feature {label!r}, "
        f"splits {list(labelled)}"
    ]
    if len(labelled) < len(sources):
        lines.append(f"left out for want of labels: {sorted(set(sources) - set(labelled))}")
    return labelled, lines


def _feature(builder, wanted, feature_class, what):
    features = builder.info.features
    if wanted is not None:
        if wanted not in features:
            raise DataError(
                f"Expected a feature {wanted!r} in tfds:{builder.name}. "
                f"Received: {sorted(features)}"
            )
        return wanted
    found = [name for name, feature in features.items() if isinstance(feature, feature_class)]
    if len(found) != 1:
        raise DataError(
            f"Expected one {what} feature in tfds:{builder.name}; name it by `{what}_column`. "
            f"Received: {found} among {sorted(features)}"
        )
    return found[0]
