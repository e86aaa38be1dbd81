"""The arguments that say where labelled data are and how to read them."""


def add_data_arguments(parser, required=True, flag="--data"):
    """Adds `--data`, or another flag for it, and what goes with it."""
    parser.add_argument(
        flag,
        dest="data",
        required=required,
        metavar="SPEC",
        help="demo, tfds:NAME, a .csv, .tsv or .jsonl file, a folder or archive of images (or a "
        "folder of recordings) in a folder for each label, a folder of train/dev/test files, of a "
        "graph's nodes and edges, of AN4 or of FSDD",
    )
    parser.add_argument("--text-column", metavar="NAME", help="name or index from 0")
    parser.add_argument("--label-column", metavar="NAME", help="name or index from 0")
    parser.add_argument(
        "--label-names",
        metavar="A,B",
        type=_names,
        help="readable names for the sorted label values, such as negative,positive",
    )
    parser.add_argument("--speaker", metavar="NAME", help="of FSDD: who is the test split")
    parser.add_argument(
        "--download", action="store_true", help="let a tfds: name be fetched over the network"
    )
    parser.add_argument(
        "--skip-corrupt", action="store_true", help="leave out files that cannot be read"
    )


def data_options(arguments):
    """Returns the keyword arguments for `training.load_data` and `training.load_split`."""
    return {
        name: getattr(arguments, name)
        for name in (
            "text_column",
            "label_column",
            "label_names",
            "speaker",
            "download",
            "skip_corrupt",
        )
    }


def _names(text):
    return [name.strip() for name in text.split(",")]
