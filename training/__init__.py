"""attnzoo.training: data, tokenizers, recipes and metrics (floor 3: imports zoo)."""

from .batching import BucketedBatches
from .data import Data, Split, load_data, load_split
from .evaluate import Evaluation, evaluate, score
from .fit import fit
from .history import History
from .image_augmentation import ImageAugmentation
from .losses import SmoothedCrossentropy
from .metrics import LabelAccuracy
from .pipeline import TrainingPipeline, prepare
from .recipe import GraphRecipe, ImageRecipe, Recipe, TaggingRecipe, TextRecipe
from .recipes import get_recipe
from .sources import DataError
from .text_augmentation import SubwordDropout, TokenDropout
from .tokenizer import train_wordpiece

__all__ = [
    "BucketedBatches",
    "Data",
    "DataError",
    "Evaluation",
    "GraphRecipe",
    "History",
    "ImageAugmentation",
    "ImageRecipe",
    "LabelAccuracy",
    "Recipe",
    "SmoothedCrossentropy",
    "Split",
    "SubwordDropout",
    "TaggingRecipe",
    "TextRecipe",
    "TokenDropout",
    "TrainingPipeline",
    "evaluate",
    "fit",
    "get_recipe",
    "load_data",
    "load_split",
    "prepare",
    "score",
    "train_wordpiece",
]
