"""One small training run and its export, made by the command line itself."""

import contextlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from attnzoo.cli.main import main

SETTINGS = ("epochs=2", "hidden_dim=32", "vocabulary_size=200", "num_layers=1", "batch_size=8")
LABELS = ["bad ★", "good"]
TEXTS = [
    "The soup was wonderful, truly.",
    "",
    "Übergröße 東京 😀 \x07 rude",
    "[CLS] the room was cold " * 40,
]


@dataclass(frozen=True)
class Result:
    """What a command left."""

    code: int
    out: str
    err: str

    @property
    def lines(self):
        return self.out.splitlines()


def run_main(*arguments):
    """The exit code of the command line, also where argparse exits by itself."""
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        return exit_.code


@pytest.fixture
def attnzoo(capsys, monkeypatch):
    """`f(*arguments, stdin=b"...")`: a command in this process."""

    def command(*arguments, stdin=None):
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capsys.readouterr()
        code = run_main(*arguments)
        return Result(code, *capsys.readouterr())

    return command


def captured(*arguments):
    """The same for fixtures that outlive a test."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_main(*arguments)
    return Result(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Made:
    """A folder that a command made, and what it said."""

    folder: Path
    result: Result

    def __str__(self):
        return str(self.folder)


@pytest.fixture(scope="session")
def reviews(tmp_path_factory):
    """A file of sixty labelled sentences, in a train and a test split."""
    words = {
        LABELS[1]: ("wonderful", "great", "friendly", "lovely", "fine"),
        LABELS[0]: ("awful", "cold", "rude", "dreadful", "dull"),
    }
    rows = [
        (f"The {thing} was {word}, {end}.", label, "test" if thing == "bed" else "train")
        for label, of in words.items()
        for word in of
        for thing, end in (
            ("soup", "truly"),
            ("room", "indeed"),
            ("staff", "I think"),
            ("film", "sadly"),
            ("tea", "as ever"),
            ("bed", "truly"),
        )
    ]
    path = tmp_path_factory.mktemp("data") / "reviews.tsv"
    path.write_text(
        "sentence\tlabel\tsplit\n" + "".join("\t".join(row) + "\n" for row in rows), "utf-8"
    )
    return path


def train_arguments(reviews, folder, *more, settings=SETTINGS):
    """A short training."""
    chosen = [part for setting in settings for part in ("--set", setting)]
    return [
        "train",
        "sentiment_classifier/tiny",
        "--data",
        reviews,
        "--out",
        folder,
        *chosen,
        *more,
    ]


@pytest.fixture(scope="session")
def trained(reviews, tmp_path_factory):
    """A finished run."""
    folder = tmp_path_factory.mktemp("runs") / "reviews"
    return Made(folder, captured(*train_arguments(reviews, folder)))


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    """The run's artefact, in both formats."""
    folder = tmp_path_factory.mktemp("exports") / "dist"
    return Made(folder, captured("export", trained, "--out", folder))


@pytest.fixture(params=["run", "artefact", "onnx", "savedmodel"])
def model_path(request, trained, exported):
    """Everything that can be predicted with."""
    return {
        "run": trained.folder,
        "artefact": exported.folder,
        "onnx": exported.folder / "onnx" / "model.onnx",
        "savedmodel": exported.folder / "savedmodel" / "1",
    }[request.param]
