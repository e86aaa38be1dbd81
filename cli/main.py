"""The command `attnzoo`: arguments are parsed before anything heavy is imported."""

import argparse
import os
import sys

from . import (
    attention,
    bench,
    convert,
    demo,
    describe,
    evaluate,
    export,
    inspect,
    list,
    predict,
    serve,
    stream,
    train,
    verify,
)

# In the order in which one would use them.
VERBS = {
    "list": list,
    "describe": describe,
    "train": train,
    "evaluate": evaluate,
    "predict": predict,
    "stream": stream,
    "attention": attention,
    "export": export,
    "convert": convert,
    "verify": verify,
    "inspect": inspect,
    "bench": bench,
    "serve": serve,
    "demo": demo,
}


def make_parser():
    """Returns the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="attnzoo",
        description="A zoo of self-attention models: train them on your data, export them to "
        "SavedModel and ONNX, proven equal to the model.",
        epilog="Try `attnzoo demo` first: it trains, exports and verifies a small model.",
        allow_abbrev=False,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print the answer as JSON")
    common.add_argument("--debug", action="store_true", help="show the traceback of an error")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name, module in VERBS.items():
        summary = module.__doc__.split(": ", 1)[1].splitlines()[0]
        verb = verbs.add_parser(
            name, help=summary, description=summary, parents=[common], allow_abbrev=False
        )
        module.add_arguments(verb)
    return parser


def main(arguments=None):
    """Runs the command line.

    Args:
        arguments: List of strings. Defaults to None (those of the process).

    Returns:
        The exit code: 0 only on success, 1 on an error, 130 after Ctrl-C.
    """
    parser = make_parser()
    parsed, rest = parser.parse_known_args(arguments)
    if rest and not (hasattr(parsed, "texts") and all(not r.startswith("-") for r in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:  # Texts after an option, which argparse leaves over.
        parsed.texts += rest
    # TensorFlow talks at its first import; what it says is for developers of TensorFlow.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        VERBS[parsed.verb].run(parsed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        if parsed.debug:
            raise
        print("attnzoo: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of our output has gone (`attnzoo predict ... | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if parsed.debug:
            raise
        print(f"attnzoo: error: {_one_line(error)}", file=sys.stderr)
        return 1
    return 0


def _one_line(error):
    expected = (ValueError, OSError, ImportError)
    text = str(error) if isinstance(error, expected) or _is_ours(error) else repr(error)
    return " ".join(text.split()) or repr(error)


def _is_ours(error):
    return type(error).__module__.startswith("attnzoo.")
