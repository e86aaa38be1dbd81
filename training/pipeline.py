"""A pipeline in training: what `zoo.Pipeline` is, and batches for `model.fit`."""

from ..zoo import Pipeline, build, get_config, list_presets, load
from ..zoo.builder import config_of, rebuild
from ..zoo.registry import get_architecture
from .batching import BucketedBatches
from .tasks import get_training_task


class TrainingPipeline(Pipeline):
    """A pipeline that also makes training batches of `load_data`'s splits."""

    def batches(self, split, **kwargs):
        """Returns batches of `(inputs, labels)` for `model.fit` and `evaluate`.

        They are a `tf.data.Dataset`, or on other backends a `keras.utils.PyDataset`.

        Args:
            split: A `Split` of `load_data`.
            **kwargs: See `make_batches`.
        """
        return self.make_batches(split, **kwargs).for_fit()

    def make_batches(
        self, split, batch_size=32, shuffle=None, bucketing=True, seed=0, **augmentation
    ):
        """Prepares a split once and returns its `BucketedBatches`.

        Args:
            split: A `Split` of `load_data`.
            batch_size: Rows in each batch. Defaults to 32.
            shuffle: Whether to shuffle each epoch. Defaults to None (the train split only).
            bucketing: Whether rows of like length go together. Defaults to True.
            seed: Seed of shuffling and augmentation. Defaults to 0.
            **augmentation: Depends on the task, such as `token_dropout=0.2`; see `examples` in
                `training.tasks`.
        """
        task = get_training_task(self.task.name)
        return BucketedBatches(
            task.examples(self.preprocessor, task.targets(split, self.labels), **augmentation),
            batch_size,
            split.name == "train" if shuffle is None else shuffle,
            bucketing,
            seed,
        )


def prepare(name, data, dtype=None, **overrides):
    """Learns the preprocessor, takes the labels, and builds the model for `data`.

    Args:
        name: `"model/preset"`, or a pipeline of `zoo.load` to train on, or a preset that has
            weights: its tokenizer stays, and its head too if its labels are those of the data.
        data: `Data` of `load_data`.
        dtype: Dtype policy of the model, such as `"mixed_bfloat16"`. Defaults to None.
        **overrides: Fields of the configuration to change, such as `hidden_dim=96`, and what the
            task learns by, such as `lowercase=False` for a vocabulary that keeps case.

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
    if name in list_presets(pretrained=True):
        name = load(name)
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
    training_task = get_training_task(task)
    config = get_config(name)
    options = {key: overrides[key] for key in training_task.options if key in overrides}
    for key in options.keys() - config.to_dict().keys():  # What only learning heeds.
        del overrides[key]
    config = config.replace(**overrides)
    preprocessor, learned = training_task.learn(data, config, **options)
    labels = training_task.labels(data, **options)
    overrides |= {**learned, "num_classes": len(labels)}
    model = build(name, dtype=dtype, **overrides)
    training_task.initialise(model, preprocessor, data)
    return TrainingPipeline(model, preprocessor, labels)


def _prepare_loaded(pipeline, data, dtype, overrides):
    """Takes a trained pipeline's model and tokenizer; other labels get a new head."""
    task = get_training_task(data.task)
    labels = task.labels_after(pipeline, data)
    overrides |= {**task.fields_after(data), "num_classes": len(labels)}
    model = rebuild(pipeline.model, dtype, pipeline.labels != labels, **overrides)
    preprocessor = task.preprocessor(pipeline.preprocessor, config_of(model))
    return TrainingPipeline(model, preprocessor, labels, pipeline.training)
