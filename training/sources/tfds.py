"""Labelled examples from TensorFlow Datasets, downloaded only when asked to."""

import numpy as np

from ...zoo.raw_audio import RawAudio
from ...zoo.raw_image import RawImage
from ...zoo.symbols import symbols_of
from .rows import DataError, Row

_SPLITS = ("train", "validation", "test")


class TfdsSource:
    """Rows of one prepared split, read anew each time.

    Args:
        builder: A prepared `tfds.core.DatasetBuilder`.
        split: Name of the split.
        input_feature: Name of the inputs' feature.
        label_feature: Name of the labels' feature.
    """

    def __init__(self, builder, split, input_feature, label_feature):
        self.builder = builder
        self.split = split
        self.input_feature = input_feature
        self.label_feature = label_feature

    def __iter__(self):
        """Yields every row; class labels by their names."""
        features = self.builder.info.features
        for index, example in enumerate(self._examples()):
            origin = f"tfds:{self.builder.name}/{self.split}, example {index}"
            value, label = (
                _decoded(features[name], example[name], origin)
                for name in (self.input_feature, self.label_feature)
            )
            yield Row(value, label if isinstance(label, list) else str(label), origin)

    def is_labelled(self):
        """Returns whether the first example has a label; GLUE marks its test rows by -1."""
        first = next(iter(self._examples(1)), None)
        label = None if first is None else first[self.label_feature]
        return not np.issubdtype(np.asarray(label).dtype, np.integer) or np.min(label) >= 0

    def _examples(self, count=-1):
        import tensorflow_datasets as tfds

        dataset = self.builder.as_dataset(split=self.split, shuffle_files=False)
        return tfds.as_numpy(dataset.take(count))


def _decoded(feature, value, origin):
    """Returns a value as text, the name of its class, or a list of such."""
    if hasattr(feature, "feature"):  # A sequence.
        return [_decoded(feature.feature, item, origin) for item in value]
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if not hasattr(feature, "int2str"):
        return value
    if value < 0:
        raise DataError(f"Expected a label in {origin}; there is none.")
    return feature.int2str(value)


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
    builder = _builder(name, download)
    text = _feature(builder, text_feature, "text", "Text")
    label = _feature(builder, label_feature, "label", "ClassLabel")
    return _sources(name, builder, "text", text, label)


def open_tagged_tfds(name, label_feature=None, download=False):
    """Opens a data set of tagged sentences of TFDS by its name.

    Args:
        name: Such as `"conll2003"`.
        label_feature: Name of the labels' feature, such as `"ner"`. Defaults to None (the only
            sequence of class labels).
        download: As in `open_tfds`.

    Returns:
        As `open_tfds`; inputs are lists of words, labels lists of names.

    Raises:
        DataError: As `open_tfds`.
    """
    builder = _builder(name, download)
    words = _feature(builder, None, "words", "Text", in_sequence=True)
    label = _feature(builder, label_feature, "label", "ClassLabel", in_sequence=True)
    return _sources(name, builder, "words", words, label)


def open_image_tfds(name, download=False):
    """Opens a data set of labelled images of TFDS by its name.

    Args:
        name: Such as `"cifar10"`.
        download: As in `open_tfds`.

    Returns:
        As `open_tfds`; inputs are `RawImage`s.

    Raises:
        DataError: As `open_tfds`.
    """
    builder = _builder(name, download)
    image = _feature(builder, None, "image", "Image")
    label = _feature(builder, None, "label", "ClassLabel")
    sources, lines = _sources(name, builder, "image", image, label)
    return {split: _Images(source) for split, source in sources.items()}, lines


def open_speech_tfds(name, text_feature=None, label_feature=None, download=False):
    """Opens a data set of recordings of TFDS by its name.

    Args:
        name: Such as `"librispeech"` or `"speech_commands"`.
        text_feature: Name of the transcripts' feature. Defaults to None (the only text feature, if
            there is one and no class label).
        label_feature: Name of the labels' feature, in place of transcripts. Defaults to None.
        download: As in `open_tfds`.

    Returns:
        As `open_tfds`; inputs are `RawAudio`s, labels names or lists of a transcript's characters.

    Raises:
        DataError: As `open_tfds`; and if the data set does not say how many samples a second has.
    """
    import tensorflow_datasets as tfds

    builder = _builder(name, download)
    audio = _feature(builder, None, "audio", "Audio")
    rate = builder.info.features[audio].sample_rate
    if not rate:
        raise DataError(f"Expected tfds:{name} to say its sampling rate; it does not.")
    kinds = [type(feature) for feature in builder.info.features.values()]
    spoken = text_feature is not None or (
        label_feature is None and tfds.features.ClassLabel not in kinds
    )
    wanted, kind = (text_feature, "Text") if spoken else (label_feature, "ClassLabel")
    label = _feature(builder, wanted, "text" if spoken else "label", kind)
    sources, lines = _sources(name, builder, "recording", audio, label)
    return {split: _Recordings(of, rate, spoken) for split, of in sources.items()}, lines


class _Recordings:
    """Rows whose inputs are recordings in place of their 16-bit samples."""

    def __init__(self, source, rate, spoken):
        self._source = source
        self._rate = rate
        self._spoken = spoken

    def __iter__(self):
        for row in self._source:
            recording = RawAudio(np.asarray(row.input, "int16"), self._rate, row.origin)
            label = symbols_of(row.label) if self._spoken else row.label
            yield Row(recording, label, row.origin)


class _Images:
    """Rows whose inputs are images in place of their pixels."""

    def __init__(self, source):
        self._source = source

    def __iter__(self):
        for row in self._source:
            yield row._replace(input=RawImage(row.input, row.origin))


def _builder(name, download):
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
    return builder


def _sources(name, builder, what, input_feature, label_feature):
    splits = [split for split in _SPLITS if split in builder.info.splits]
    sources = {split: TfdsSource(builder, split, input_feature, label_feature) for split in splits}
    labelled = {split: source for split, source in sources.items() if source.is_labelled()}
    lines = [
        f"tfds:{name}: {what} in feature {input_feature!r}, label in feature {label_feature!r}, "
        f"splits {list(labelled)}"
    ]
    if len(labelled) < len(sources):
        lines.append(f"left out for want of labels: {sorted(set(sources) - set(labelled))}")
    return labelled, lines


def _feature(builder, wanted, what, class_name, in_sequence=False):
    """Returns the name of a feature: the wanted one, or the only one of a class."""
    import tensorflow_datasets as tfds

    features = builder.info.features
    if wanted is not None:
        if wanted not in features:
            raise DataError(
                f"Expected a feature {wanted!r} in tfds:{builder.name}. "
                f"Received: {sorted(features)}"
            )
        return wanted
    inner = {
        name: getattr(feature, "feature", None) if in_sequence else feature
        for name, feature in features.items()
    }
    found = [
        name
        for name, feature in inner.items()
        if isinstance(feature, getattr(tfds.features, class_name))
    ]
    if len(found) != 1:
        raise DataError(
            f"Expected one {what} feature in tfds:{builder.name}; name it by `{what}_column`. "
            f"Received: {found} among {sorted(features)}"
        )
    return found[0]
