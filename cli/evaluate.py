"""attnzoo evaluate: how well a saved or exported model does on labelled data.

Accuracy, macro-F1 and the confusion matrix of labels; the error rates of transcripts.
"""

from .data_options import add_data_arguments, data_options
from .decoding_options import add_decoding_arguments, set_decoder
from .output import print_evaluation, print_json
from .types import positive_integer


def add_arguments(parser):
    """Adds the arguments of `attnzoo evaluate`."""
    parser.add_argument("model", help="a folder of `attnzoo train`, or an exported artefact")
    add_data_arguments(parser)
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test"),
        help="default: test where there is one, else all rows of the file",
    )
    parser.add_argument("--batch-size", type=positive_integer, default=64)
    add_decoding_arguments(parser)


def run(arguments):
    """Evaluates and prints the metrics."""
    from .models import load_predictor

    predictor = load_predictor(arguments.model)
    set_decoder(predictor, arguments)
    from .. import training

    split = training.load_split(
        arguments.data,
        predictor.labels,
        arguments.split,
        predictor.task.name,
        **data_options(arguments),
    )
    evaluation = training.evaluate(predictor, split, arguments.batch_size)
    if arguments.json:
        print_json({"split": split.name, **evaluation.to_dict()})
        return
    print(f"{split.name} of {arguments.data}:")
    print_evaluation(evaluation)
