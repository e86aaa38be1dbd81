"""attnzoo.training: data, tokenizers, recipes and metrics (floor 3: imports zoo)."""

from .adapters import load_adapters
from .audio_augmentation import AudioAugmentation
from .batching import BucketedBatches
from .data import Data, Split, load_data, load_split
from .evaluate import Evaluation, evaluate, score
from .fit import fit
from .history import History
from .image_augmentation import ImageAugmentation
from .losses import CTCLoss, SmoothedCrossentropy
from .metrics import LabelAccuracy
from .pipeline import TrainingPipeline, prepare
from .recipe import GraphRecipe, ImageRecipe, Recipe, SpeechRecipe, TaggingRecipe, TextRecipe
from .recipes import get_recipe
from .sources import DataError
from .text_augmentation import SubwordDropout, TokenDropout
from .tokenizer import train_wordpiece
from .transcripts import TranscriptEvaluation, count_errors

__all__ = [
    "AudioAugmentation",
    "BucketedBatches",
    "CTCLoss",
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
    "SpeechRecipe",
    "Split",
    "SubwordDropout",
    "TaggingRecipe",
    "TextRecipe",
    "TokenDropout",
    "TrainingPipeline",
    "TranscriptEvaluation",
    "count_errors",
    "evaluate",
    "fit",
    "get_recipe",
    "load_adapters",
    "load_data",
    "load_split",
    "prepare",
    "score",
    "train_wordpiece",
]
