"""Checkpoints in the format of Hugging Face: read, fine-tuned, written back.

Each family is one small file: a table of tensors and a list of keys, which are read both ways.
"""

from .families import FAMILIES
from .loading import Checkpoint
from .pipelines import load_pipeline
from .report import LoadReport
from .saving import save_checkpoint

__all__ = [
    "FAMILIES",
    "Checkpoint",
    "LoadReport",
    "load_pipeline",
    "save_checkpoint",
]
