"""The arguments that say on what labelled data an export's metric is measured."""

from .data_options import add_data_arguments, data_options


def add_evaluation_arguments(parser):
    """Adds `--eval-data` and what goes with it."""
    add_data_arguments(parser, required=False, flag="--eval-data")
    parser.add_argument(
        "--eval-split",
        choices=("train", "validation", "test"),
        help="default: test where there is one, else all rows of the file",
    )
    parser.add_argument(
        "--eval-tolerance",
        type=float,
        metavar="POINTS",
        help="how many percentage points worse than Keras a variant may be there (default: 1)",
    )


def evaluation_of(arguments, pipeline):
    """Returns the split and the tolerance in parts of 1, None and the default without data.

    Args:
        arguments: Those of the command line.
        pipeline: What the data are to be labelled as.

    Raises:
        ValueError: If there are data, and no `zoo.Pipeline`; or what goes with data, and none.
    """
    from ..export.task_metric import TOLERANCE

    if arguments.data is None:
        others = {name: getattr(arguments, name) for name in ("eval_split", "eval_tolerance")}
        options = {**data_options(arguments), **others}
        given = [name for name, value in options.items() if value not in (None, False)]
        if given:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in given)
            raise ValueError(f"Expected {flags} only with `--eval-data`.")
        return None, TOLERANCE
    from ..training import load_split
    from ..zoo import Pipeline

    if not isinstance(pipeline, Pipeline):
        raise ValueError(
            "Expected `--eval-data` only with a saved folder of attnzoo, which makes tensors of "
            f"labelled data. Received: {arguments.model!r}"
        )
    split = load_split(
        arguments.data,
        pipeline.labels,
        arguments.eval_split,
        pipeline.task.name,
        **data_options(arguments),
    )
    points = arguments.eval_tolerance
    return split, TOLERANCE if points is None else points / 100
