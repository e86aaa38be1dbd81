"""Small folders in the format of Hugging Face, written without transformers."""

import json

import keras
from safetensors.numpy import load_file, save_file

from attnzoo import zoo
from attnzoo.zoo.pretrained import save_checkpoint
from attnzoo.zoo.tasks import get_task

from ..layer_test_case import randomize_weights
from ..zoo.pipelines import VOCABULARY, small_tokenizer

LABELS = ["negative", "positive", "mixed"]
# What makes a model of ours one of BERT's.
BERT = {
    "hidden_dim": 16,
    "intermediate_dim": 24,
    "num_layers": 1,
    "num_heads": 2,
    "vocabulary_size": len(VOCABULARY),
    "max_sequence_length": 20,
    "position": "learned",
    "layer_scale": None,
    "normalize_first": False,
    "final_norm": True,
    "embedding_norm": True,
    "num_segments": 2,
    "layer_norm_epsilon": 1e-12,
}
OF_TEXTS = {"pooling": "cls", "pooler_activation": "tanh"}


def bert_pipeline(name="sentiment_classifier", num_classes=3, seed=0, **overrides):
    """A pipeline whose model is of BERT's shape, its weights at random."""
    keras.utils.set_random_seed(seed)
    of_texts = OF_TEXTS if name == "sentiment_classifier" else {}
    model = zoo.build(f"{name}/tiny", num_classes=num_classes, **{**BERT, **of_texts, **overrides})
    randomize_weights(model)
    task = {
        "sentiment_classifier": "text_classification",
        "sequence_tagger": "token_classification",
    }[name]
    preprocessor = get_task(task).make_preprocessor(small_tokenizer(), zoo.config_of(model))
    return zoo.Pipeline(model, preprocessor, LABELS[:num_classes])


def bert_checkpoint(folder, name="sentiment_classifier", **overrides):
    """Writes a checkpoint of BERT and returns the pipeline that it is of."""
    pipeline = bert_pipeline(name, **overrides)
    save_checkpoint(pipeline, folder)
    return pipeline


def change_settings(folder, **changes):
    """Changes keys of a config.json; None takes them away."""
    path = folder / "config.json"
    settings = {**json.loads(path.read_text("utf-8")), **changes}
    settings = {key: value for key, value in settings.items() if value is not None}
    path.write_text(json.dumps(settings), "utf-8")


def change_tensors(folder, change):
    """Rewrites the tensors of a checkpoint by `f(tensors) -> tensors`."""
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path)
