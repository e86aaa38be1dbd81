"""What training does for a task unless the task says otherwise."""

from ..class_weights import class_weights
from ..losses import SmoothedCrossentropy
from ..metrics import LabelAccuracy

# How the recipes of pretrained encoders begin: small steps, smaller ones in lower blocks.
FINETUNING = {
    "epochs": 3,
    "learning_rate": 1e-4,
    "schedule": "linear",
    "weight_decay": 0.01,
    "label_smoothing": 0.0,
    "layer_decay": 0.9,
    "head_rate": 10.0,
    "freeze": "embeddings",
}
# Only the head learns.
HEAD = {
    **FINETUNING,
    "epochs": 5,
    "learning_rate": 3e-3,
    "layer_decay": 1.0,
    "head_rate": 1.0,
    "freeze": "backbone",
}
# The head and adapters of the attention learn.
LORA = {**HEAD, "epochs": 3, "learning_rate": 1e-3, "lora_rank": 8}


class Training:
    """Defaults of the tasks in which each row, or each part of it, has one of the labels.

    Attributes:
        name: Name of the task.
        options: Arguments of `prepare` that go to `learn` and `labels`.
        source_options: Arguments of `load_data` that go to `open_sources`.
        held_out_of: What is held out for validation, in words.
        how_held_out: How that is chosen, in words.
        recipes: Dict from name to `Recipe`.
    """

    options = ()
    source_options = ()
    held_out_of = "rows"
    how_held_out = "stratified by label"

    # === Data ===

    def checked(self, source):
        """Yields the rows of a source, all of which are valid."""
        return source

    def reserved_labels(self, several):
        """Returns labels that come before those of the data.

        Args:
            several: Whether a row has a list of labels.
        """
        return []

    def label_names(self, labels):
        """Returns what a model of these labels may meet as labels of data: the same."""
        return labels

    def recipe_name(self, name, data):
        """Returns the name of the recipe that a name means for these data."""
        return name

    # === The model ===

    def labels(self, data, **options):
        """Returns the names of the model's classes: those of the data."""
        return data.label_names

    def labels_after(self, pipeline, data):
        """Returns the names of the classes when a trained pipeline goes on with other data."""
        return data.label_names

    def fields_after(self, data):
        """Returns fields of a trained pipeline's configuration that other data change: none."""
        return {}

    def preprocessor(self, loaded, config):
        """Returns the preprocessor of a loaded pipeline, for the configuration that it now has."""
        return loaded

    def initialise(self, model, preprocessor, data):
        """Changes first weights by what was learned of the data: none."""

    def start(self, pipeline, data, recipe):
        """Returns how a new model is to begin when training does: as it is.

        Returns:
            None, or what has the `offsets` of `examples`, and a `training_model(model)` that puts
            the first weights into the model and returns the model to train.
        """

    # === Batches ===

    def targets(self, split, labels):
        """Returns the split with the labels that the model is to learn: the same."""
        return split

    def augmentation(self, recipe):
        """Returns the arguments of `examples` that a recipe asks for in training: none."""
        return {}

    def evaluation(self, recipe):
        """Returns the arguments of `examples` that a recipe asks for in validation: none."""
        return {}

    # === Fit ===

    def training_model(self, model, recipe):
        """Returns the model that `fit` trains, of the same layers as the one that is kept."""
        return model

    def compile_arguments(self, pipeline, recipe, split):
        """Returns loss and metrics for `model.compile`, given the train split.

        They are means over what has a label: padding, and nodes without one, weigh nothing.
        """
        return {
            "loss": SmoothedCrossentropy(
                recipe.label_smoothing,
                class_weights(recipe.class_weight, pipeline.labels, split),
                reduction="mean_with_sample_weight",
            ),
            "weighted_metrics": [LabelAccuracy()],
        }

    def callbacks(self, pipeline, validation):
        """Returns what else happens in training, before an epoch is recorded: nothing.

        Args:
            pipeline: The `TrainingPipeline`.
            validation: `BucketedBatches` of the validation split.
        """
        return []
