"""Training of text classifiers: labelled texts, a WordPiece vocabulary, R-Drop."""

from dataclasses import replace
from typing import ClassVar

from ...zoo.tasks import TASKS
from ..consistency import with_consistency
from ..examples import TextExamples
from ..held_out import stratified_selection
from ..linear_start import LinearStart, can_begin_linearly
from ..recipe import TextRecipe
from ..sources import open_texts, read_texts
from ..text_augmentation import SubwordDropout, TokenDropout, compose
from ..token_store import TokenStore
from ..tokenizer import train_wordpiece
from .interface import FINETUNING, HEAD, LORA, Training

# More texts teach a Transformer more than where it begins.
FEW_TEXTS = 10_000

# Embeddings stay as they begin, so little is learned by heart that dropout would have to prevent.
_FEW = TextRecipe(
    epochs=4,
    label_smoothing=0.05,
    subword_dropout=0.0,
    token_dropout=0.1,
    consistency=0.0,
    evidence_folds=5,
)
# The text of a pretrained encoder.
_AS_IT_IS = {"beta_2": 0.999, "subword_dropout": 0.0, "token_dropout": 0.0, "consistency": 0.0}


class TextClassificationTraining(Training):
    """One label for each text."""

    name = "text_classification"
    options = ("lowercase",)
    source_options = ("text_column", "label_column", "download")
    recipes: ClassVar = {
        "scratch": TextRecipe(),
        "few": _FEW,
        # A trained encoder knows the language; steps are small, so that it does not forget it.
        "finetune": TextRecipe(**FINETUNING, **_AS_IT_IS),
        "lora": TextRecipe(**LORA, **_AS_IT_IS),
        "head": TextRecipe(**HEAD, **_AS_IT_IS),
        # A few hundred sentences: more epochs, each of a second.
        "demo": replace(_FEW, epochs=8, batch_size=16, beta_2=0.999),
    }

    def open_sources(self, spec, text_column=None, label_column=None, download=False):
        """Returns rows by split and the lines that say how they are read, see `open_texts`."""
        return open_texts(spec, text_column, label_column, download)

    def read_inputs(self, path, text_column=None):
        """Yields the texts of a file without labels, see `read_texts`."""
        return read_texts(path, text_column)

    def held_out(self, labels, share, seed):
        """Chooses the rows to hold out for validation, see `stratified_selection`."""
        return stratified_selection(labels, share, seed)

    def recipe_name(self, name, data):
        """Returns `"few"` for `"scratch"` where there are few texts."""
        return "few" if name == "scratch" and len(data.train) <= FEW_TEXTS else name

    def learn(self, data, config, lowercase=True):
        """Learns the vocabulary of the train split.

        Args:
            data: `Data`.
            config: The configuration that the model is to have.
            lowercase: Whether case and accents are dropped. Defaults to True.

        Returns:
            The preprocessor, and the fields of the configuration that follow from the data.
        """
        tokenizer = train_wordpiece(
            lambda: _single_texts(data.train.inputs()), config.vocabulary_size, lowercase
        )
        # A small text may not fill the vocabulary; no row of the embedding is made for nothing.
        fields = {"vocabulary_size": tokenizer.get_vocab_size()}
        return TASKS[self.name].make_preprocessor(tokenizer, config), fields

    def start(self, pipeline, data, recipe):
        """Returns the `LinearStart` of a new model if the recipe asks for one and the model can."""
        if not recipe.evidence_folds or not can_begin_linearly(pipeline.config):
            return None
        tokenizer = pipeline.preprocessor.tokenizer
        return LinearStart(
            pipeline.model,
            pipeline.preprocessor.encode(list(data.train.inputs())),
            data.train.labels,
            [tokenizer.id_to_token(index) for index in range(tokenizer.get_vocab_size())],
            recipe.evidence_folds,
        )

    def examples(
        self,
        preprocessor,
        split,
        subword_dropout=0.0,
        token_dropout=0.0,
        copies=1,
        offsets=None,
    ):
        """Tokenises a split once.

        Args:
            preprocessor: `TextPreprocessor`.
            split: A `Split` of `load_data`.
            subword_dropout: See `SubwordDropout`. Defaults to 0.0.
            token_dropout: See `TokenDropout`. Defaults to 0.0.
            copies: How often each row stands in its batch. Defaults to 1.
            offsets: What is added to each row's token ids, `(rows,)`. Defaults to None (nothing).

        Returns:
            `TextExamples`.
        """
        tokenizer = preprocessor.tokenizer
        augmentations = []
        if subword_dropout:
            augmentations.append(SubwordDropout(tokenizer, subword_dropout))
        if token_dropout:
            augmentations.append(TokenDropout(tokenizer, token_dropout))
        return TextExamples(
            TokenStore(preprocessor, split.inputs()),
            split.labels,
            preprocessor,
            compose(augmentations, preprocessor.max_sequence_length),
            copies,
            offsets,
        )

    def augmentation(self, recipe):
        """Returns the arguments of `examples` that a recipe asks for in training."""
        return {
            "subword_dropout": recipe.subword_dropout,
            "token_dropout": recipe.token_dropout,
            "copies": 2 if recipe.consistency else 1,
        }

    def training_model(self, model, recipe):
        """Returns the model that `fit` trains, of the same layers as the one that is kept."""
        return with_consistency(model, recipe.consistency) if recipe.consistency else model


def _single_texts(inputs):
    """Yields texts, and both of a pair."""
    for text in inputs:
        yield from text if isinstance(text, tuple) else (text,)
