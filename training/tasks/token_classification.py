"""Training of taggers: tagged sentences, a cased WordPiece vocabulary, dropout of words."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...zoo.tasks import TASKS
from ..callbacks import EntityScores
from ..entities import checked_entities, is_entity_scheme
from ..examples import TaggedExamples
from ..held_out import random_selection
from ..recipe import TaggingRecipe
from ..sources import is_tagged_file, open_tagged, read_texts, read_words
from ..spelling import spelled_embeddings
from ..text_augmentation import SubwordDropout, TokenDropout
from ..tokenizer import train_wordpiece
from .interface import FINETUNING, HEAD, LORA, Training

_AS_IT_IS = {"beta_2": 0.999, "subword_dropout": 0.0, "token_dropout": 0.0}
_PRETRAINED = {
    "finetune": TaggingRecipe(
        **{**FINETUNING, "learning_rate": 3e-4, "layer_decay": 0.95}, **_AS_IT_IS
    ),
    "lora": TaggingRecipe(**LORA, **_AS_IT_IS),
    "head": TaggingRecipe(**HEAD, **_AS_IT_IS),
}


class TokenClassificationTraining(Training):
    """One label for each word."""

    name = "token_classification"
    options = ("lowercase",)
    source_options = ("label_column", "download")
    held_out_of = "words"
    how_held_out = "in sentences chosen at random"
    recipes: ClassVar = {
        "scratch": TaggingRecipe(),
        # Chosen by the entities found rather than by words, most of which are no part of one.
        "entities": TaggingRecipe(monitor="val_f1"),
        **_PRETRAINED,
        # Sentences with entities are few.
        **{
            f"{name}_entities": replace(recipe, epochs=2 * recipe.epochs, monitor="val_f1")
            for name, recipe in _PRETRAINED.items()
        },
        # A few hundred sentences: many epochs, each of a second.
        "demo": TaggingRecipe(epochs=15, batch_size=8, learning_rate=3e-3, patience=15),
    }

    def open_sources(self, spec, label_column=None, download=False):
        """Returns rows by split and the lines that say how they are read, see `open_tagged`."""
        return open_tagged(spec, label_column, download)

    def read_inputs(self, path, text_column=None):
        """Yields the sentences of a file: words of a `.conllu` or `.conll` file, else texts."""
        if text_column is None and is_tagged_file(Path(path)):
            return read_words(path)
        return read_texts(path, text_column)

    def checked(self, source):
        """Yields the rows of a source, see `checked_entities`."""
        return checked_entities(source)

    def held_out(self, labels, share, seed):
        """Chooses the rows to hold out for validation, see `random_selection`."""
        return random_selection(len(labels), share, seed)

    def recipe_name(self, name, data):
        """Returns the recipe that is chosen by entities where labels mark them."""
        if not is_entity_scheme(data.label_names):
            return name
        if name in _PRETRAINED:
            return f"{name}_entities"
        return "entities" if name == "scratch" else name

    def learn(self, data, config, lowercase=False):
        """Learns the vocabulary of the train split.

        Args:
            data: `Data`.
            config: The configuration that the model is to have.
            lowercase: Whether case and accents are dropped. Defaults to False: a capital says
                much of a word.

        Returns:
            The preprocessor, and the fields of the configuration that follow from the data.
        """
        tokenizer = train_wordpiece(
            lambda: (" ".join(words) for words in data.train.inputs()),
            config.vocabulary_size,
            lowercase,
        )
        fields = {"vocabulary_size": tokenizer.get_vocab_size()}
        return TASKS[self.name].make_preprocessor(tokenizer, config), fields

    def initialise(self, model, preprocessor, data):
        """Lets embeddings begin by the spelling of their pieces, see `spelled_embeddings`."""
        tokenizer = preprocessor.tokenizer
        embedding = model.get_layer("token_embedding")
        (vectors,) = embedding.get_weights()
        tokens = [tokenizer.id_to_token(index) for index in range(len(vectors))]
        embedding.set_weights([spelled_embeddings(tokens, vectors)])

    def examples(self, preprocessor, split, subword_dropout=0.0, token_dropout=0.0):
        """Cuts the words of a split to pieces once; each different word is cut once.

        Sentences of more than `max_sequence_length` tokens become several rows.

        Args:
            preprocessor: `WordsPreprocessor`.
            split: A `Split` of `load_data`.
            subword_dropout: See `SubwordDropout`. Defaults to 0.0.
            token_dropout: Rate at which a whole word becomes `[MASK]`. Defaults to 0.0.

        Returns:
            `TaggedExamples`.
        """
        pieces = preprocessor.pieces({word for words in split.inputs() for word in words})
        longest = preprocessor.max_sequence_length
        if preprocessor.longest is not None:  # No room for special tokens beyond that.
            longest -= len(preprocessor.first_ids) + len(preprocessor.last_ids)
        sentences, labels = [], []
        for words, row in zip(split.inputs(), split.labels, strict=True):
            cut = [pieces[word] for word in words]
            ends = np.cumsum([len(ids) for ids in cut])
            for segment in np.split(np.arange(len(cut)), _breaks(ends, longest)):
                sentences.append([cut[index] for index in segment])
                labels.append(row[segment])
        augment = _augmentation(preprocessor.tokenizer, subword_dropout, token_dropout)
        return TaggedExamples(sentences, labels, preprocessor, augment)

    def augmentation(self, recipe):
        """Returns the arguments of `examples` that a recipe asks for in training."""
        return {"subword_dropout": recipe.subword_dropout, "token_dropout": recipe.token_dropout}

    def callbacks(self, pipeline, validation):
        """Returns the callback that scores entities in the validation split, if labels mark any."""
        return [EntityScores(pipeline, validation)] if is_entity_scheme(pipeline.labels) else []


def _breaks(ends, longest):
    """Returns the words before which a sentence is cut, so that no part has too many tokens."""
    breaks, begin = [], 0
    for index, end in enumerate(ends):
        if end - begin > longest and index and (not breaks or breaks[-1] < index):
            breaks.append(index)
            begin = ends[index - 1]
    return breaks


def _augmentation(tokenizer, subword_dropout, token_dropout):
    """Returns `f(pieces, generator) -> pieces` of one sentence, or None if nothing changes."""
    if not subword_dropout and not token_dropout:
        return None
    subwords = SubwordDropout(tokenizer, subword_dropout)
    tokens = TokenDropout(tokenizer, token_dropout)
    mask = [tokens.mask_id]

    def augment(pieces, generator):
        masked = generator.random(len(pieces)) < token_dropout
        pieces = subwords([np.asarray(ids, "int32") for ids in pieces], generator)
        return [mask if hidden else ids for hidden, ids in zip(masked, pieces, strict=True)]

    return augment
