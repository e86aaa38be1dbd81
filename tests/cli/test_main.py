"""The command as a whole: help, errors, exit codes, and no import before it is needed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from attnzoo import zoo
from attnzoo.cli import list as list_verb
from attnzoo.cli.main import VERBS

HEAVY = ("tensorflow", "keras", "onnxruntime", "tokenizers", "sklearn", "matplotlib", "jax")
PROGRAM = f"""
import sys
from attnzoo.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as exit_:
    code = exit_.code
print("HEAVY", code, *sorted(set({HEAVY!r}) & set(sys.modules)))
"""


def heavy_imports(*arguments):
    """The exit code of a command, and which of the heavy modules it imported."""
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )
    _, code, *modules = result.stdout.splitlines()[-1].split()
    return int(code), modules


# === Help ===


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(attnzoo, verb):
    result = attnzoo(verb, "--help")
    assert result.code == 0
    assert result.out.startswith(f"usage: attnzoo {verb}")
    assert "--json" in result.out
    assert "--debug" in result.out


def test_the_help_lists_every_verb_with_a_line(attnzoo):
    result = attnzoo("--help")
    assert result.code == 0
    for verb in ("list", "describe", "train", "evaluate", "predict", "export", "verify", "demo"):
        (line,) = [line for line in result.lines if line.strip().startswith(f"{verb} ")]
        assert len(line.split()) > 3


@pytest.mark.parametrize(
    "command",
    [[sys.executable, "-m", "attnzoo.cli"], [str(Path(sys.executable).with_name("attnzoo"))]],
    ids=["module", "script"],
)
def test_the_command_can_be_called_from_anywhere(command, tmp_path):
    result = subprocess.run(
        [*command, "list", "--json"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0
    assert [preset["name"] for preset in json.loads(result.stdout)] == zoo.list_presets()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["train", "--help"], 0),
        (["list"], 0),
        (["list", "--json"], 0),
        (["list", "no_such_model"], 1),
        (["train", "sentiment_classifer/tiny", "--data", "demo", "--out", "x"], 1),
        (["train"], 1),
        (["trian"], 2),
    ],
    ids=str,
)
def test_what_needs_no_model_imports_none(arguments, code):
    assert heavy_imports(*arguments) == (code, [])


def test_predicting_by_an_onnx_file_imports_neither_tensorflow_nor_keras(exported):
    code, modules = heavy_imports("predict", exported, "a fine film")
    assert code == 0
    assert modules == ["onnxruntime", "tokenizers"]


# === List ===


def test_list_shows_every_preset(attnzoo):
    result = attnzoo("list")
    assert result.code == 0
    for preset in zoo.list_presets():
        assert preset in result.out


def test_list_as_json(attnzoo):
    presets = json.loads(attnzoo("list", "--json").out)
    assert [preset["name"] for preset in presets] == zoo.list_presets()
    for preset in presets:
        assert preset.keys() == {"name", "task", "pretrained", "description"}


def test_list_takes_a_pattern(attnzoo):
    presets = json.loads(attnzoo("list", "sentiment*", "--json").out)
    assert {preset["name"].split("/")[0] for preset in presets} == {"sentiment_classifier"}


# === Errors ===

ERRORS = [
    ([], 2, "required: VERB"),
    (["trian"], 2, "invalid choice: 'trian'"),
    (["list", "--jsn"], 2, "unrecognized arguments: --jsn"),
    (["list", "--js"], 2, "unrecognized arguments: --js"),
    (["list", "nothing*"], 1, "Received: 'nothing*'"),
    (["describe", "sentiment_classifier/tinny"], 1, "Did you mean 'sentiment_classifier/tiny'?"),
    (["train"], 1, "Expected MODEL, --data SPEC, --out RUN"),
    (["train", "sentiment_classifier/tiny", "--data", "demo"], 1, "Expected --out RUN"),
    (["train", "sentimental", "--data", "demo", "--out", "{tmp}"], 1, "unknown model name"),
    (["train", "a/b/c", "--data", "demo", "--out", "{tmp}"], 1, "`zoo.load(path)`"),
    (["train", "{tiny}", "--data", "no.tsv", "--out", "{tmp}"], 1, "nothing is there"),
    (["train", "{tiny}", "--data", "demo", "--out", "{tmp}", "--seed", "x"], 2, "invalid int"),
    (["train", "{tiny}", "--data", "demo", "--out", "{tmp}", "--recipe", "x"], 1, "scratch"),
    (
        ["train", "{tiny}", "--data", "demo", "--out", "{tmp}", "--set", "epoch=2"],
        1,
        "Did you mean epochs?",
    ),
    (
        ["train", "{tiny}", "--data", "demo", "--out", "{tmp}", "--set", "epochs=two"],
        1,
        "value of type int in --set epochs=two",
    ),
    (
        ["train", "{tiny}", "--data", "demo", "--out", "{tmp}", "--set", "hidden_dim=33"],
        1,
        "num_heads=2, input size 33",
    ),
    (["train", "{tiny}", "--data", "demo", "--out", "{tmp}", "--dtype", "float17"], 1, "float17"),
    (["train", "--resume", "{tmp}"], 1, "there is no run.json"),
    (["evaluate", "{tmp}", "--data", "demo"], 1, "{tmp}"),
    (["evaluate", "{tmp}"], 2, "required: --data"),
    (["evaluate", "{tmp}", "--data", "demo", "--split", "dev"], 2, "invalid choice: 'dev'"),
    (["predict", "{tmp}/nothing", "text"], 1, "nothing is there"),
    (["export", "{tmp}/nothing", "--out", "{tmp}/dist"], 1, "written by `Pipeline.save`"),
    (["export", "{tmp}", "--out", "{tmp}/dist", "--to", "tflite"], 2, "received 'tflite'"),
    (["export", "{tmp}", "--out", "{tmp}/dist", "--to", "onnx,onnx"], 2, "received 'onnx,onnx'"),
    (["export", "{tmp}"], 2, "required: --out"),
    (["verify", "{tmp}"], 1, "written by `attnzoo export`"),
]


@pytest.mark.parametrize(
    ("arguments", "code", "phrase"), ERRORS, ids=[" ".join(a) or "nothing" for a, _, _ in ERRORS]
)
def test_a_mistake_is_told_in_one_line(attnzoo, tmp_path, arguments, code, phrase):
    known = {"tmp": tmp_path, "tiny": "sentiment_classifier/tiny"}
    result = attnzoo(*(argument.format(**known) for argument in arguments), stdin=b"")
    assert result.code == code
    assert "Traceback" not in result.err
    *before, message = result.err.splitlines()
    assert message.startswith("attnzoo")
    assert ": error: " in message
    assert phrase.format(**known) in message
    # Before the message of argparse comes the usage.
    assert not before if code == 1 else before[0].startswith("usage: attnzoo")


def test_debug_lets_the_exception_through(attnzoo):
    with pytest.raises(ValueError, match="Did you mean 'sentiment_classifier/tiny'"):
        attnzoo("describe", "sentiment_classifier/tinny", "--debug")


def raise_(error):
    def run(arguments):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("first\n  second"), "first second"),
        (FileNotFoundError(2, "No such file", "x"), "[Errno 2] No such file: 'x'"),
        (KeyError("labels"), "KeyError('labels')"),
        (RuntimeError("of a library"), "RuntimeError('of a library')"),
        (ValueError(), "ValueError()"),
    ],
    ids=repr,
)
def test_any_exception_becomes_one_line(attnzoo, monkeypatch, error, message):
    monkeypatch.setattr(list_verb, "run", raise_(error))
    result = attnzoo("list")
    assert result.code == 1
    assert result.err == f"attnzoo: error: {message}\n"


def test_ctrl_c_exits_with_130(attnzoo, monkeypatch):
    monkeypatch.setattr(list_verb, "run", raise_(KeyboardInterrupt()))
    result = attnzoo("list")
    assert result.code == 130
    assert result.err == "attnzoo: interrupted\n"
    with pytest.raises(KeyboardInterrupt):
        attnzoo("list", "--debug")
