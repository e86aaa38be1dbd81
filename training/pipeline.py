"""A pipeline in training: what `zoo.Pipeline` is, and batches for `model.fit`."""

from ..zoo import Pipeline, build, get_config
from ..zoo.builder import rebuild
from ..zoo.registry import get_architecture
from ..zoo.text_preprocessor import TextPreprocessor
from .batching import BucketedBatches
from .text_augmentation import SubwordDropout, TokenDropout, compose
from .token_store import TokenStore
from .tokenizer import train_wordpiece


class TrainingPipeline(Pipeline):
    """A pipeline that also makes training batches of `load_data`'s splits."""

    def batches(self, split, **kwargs):
        """Returns a `tf.data.Dataset` of `(inputs, labels)` for `model.fit` and `evaluate`.

        Args:
            split: A `Split` of `load_data`.
            **kwargs: See `make_batches`.
        """
        return self.make_batches(split, **kwargs).as_dataset()

    def make_batches(
        self,
        split,
        batch_size=32,
        shuffle=None,
        bucketing=True,
        seed=0,
        subword_dropout=0.0,
        token_dropout=0.0,
        copies=1,
    ):
        """Tokenises a split once and returns its `BucketedBatches`.

        Args:
            split: A `Split` of `load_data`.
            batch_size: Rows in each batch. Defaults to 32.
            shuffle: Whether to shuffle each epoch. Defaults to None (the train split only).
            bucketing: Whether rows of like length go together. Defaults to True.
            seed: Seed of shuffling and augmentation. Defaults to 0.
            subword_dropout: See `SubwordDropout`. Defaults to 0.0.
            token_dropout: See `TokenDropout`. Defaults to 0.0.
            copies: How often each row stands in its batch. Defaults to 1.
        """
        tokenizer = self.preprocessor.tokenizer
        augmentations = []
        if subword_dropout:
            augmentations.append(SubwordDropout(tokenizer, subword_dropout))
        if token_dropout:
            augmentations.append(TokenDropout(tokenizer, token_dropout))
        return BucketedBatches(
            TokenStore(self.preprocessor, split.texts()),
            split.labels,
            self.preprocessor,
            batch_size,
            split.name == "train" if shuffle is None else shuffle,
            bucketing,
            seed,
            compose(augmentations, self.preprocessor.max_sequence_length),
            copies,
        )


def prepare(name, data, dtype=None, **overrides):
    """Learns the tokenizer, takes the labels, and builds the model for `data`.

    Args:
        name: `"model/preset"`, or a pipeline of `zoo.load` to train on: its tokenizer stays, and
            its head too if its labels are those of the data.
        data: `Data` of `load_data`.
        dtype: Dtype policy of the model, such as `"mixed_bfloat16"`. Defaults to None.
        **overrides: Fields of the configuration to change, such as `hidden_dim=96`, and
            `lowercase=False` for a vocabulary that keeps case.

    Returns:
        A `TrainingPipeline`.

    Raises:
        ValueError: If the model is of another task than the data, or the labels do not fit.

    Example:
    ```python
    data = training.load_data("demo")
    pipeline = training.prepare("sentiment_classifier/tiny", data)
    pipeline.model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    pipeline.model.fit(pipeline.batches(data.train))
    ```
    """
    architecture = name.model.name if isinstance(name, Pipeline) else name
    task = name.task.name if isinstance(name, Pipeline) else get_architecture(name).task
    if task != data.task:
        raise ValueError(
            f"Expected data of task {task!r} for {architecture!r}. Received: task={data.task!r}"
        )
    if overrides.get("num_classes", len(data.label_names)) != len(data.label_names):
        raise ValueError(
            f"Expected `num_classes` to be the number of labels of the data, {data.label_names}. "
            f"Received: num_classes={overrides['num_classes']}"
        )
    if isinstance(name, Pipeline):
        return _prepare_loaded(name, data, dtype, overrides)
    lowercase = overrides.pop("lowercase", True)
    config = get_config(name).replace(**overrides)
    tokenizer = train_wordpiece(data.train.texts, config.vocabulary_size, lowercase)
    # A small text may not fill the vocabulary; no row of the embedding is made for nothing.
    overrides["vocabulary_size"] = tokenizer.get_vocab_size()
    overrides["num_classes"] = len(data.label_names)
    model = build(name, dtype=dtype, **overrides)
    preprocessor = TextPreprocessor(tokenizer, config.max_sequence_length)
    return TrainingPipeline(model, preprocessor, data.label_names)


def _prepare_loaded(pipeline, data, dtype, overrides):
    """Takes a trained pipeline's model and tokenizer; other labels get a new head."""
    overrides["num_classes"] = len(data.label_names)
    new_head = pipeline.labels != data.label_names
    model = rebuild(pipeline.model, dtype, new_head, **overrides)
    return TrainingPipeline(model, pipeline.preprocessor, data.label_names, pipeline.training)
