"""From a specification such as `"demo"` or a folder to labelled graphs."""

from pathlib import Path

from .edge_list import is_edge_list, read_edge_list, read_karate_club
from .graph_records import GraphFile
from .planetoid import is_planetoid, read_planetoid
from .rows import DataError
from .spec import SPLITS, split_of
from .tu import is_tu, read_tu

_FORMS = (
    '"demo", a .jsonl file of graphs, or a folder with nodes.csv and edges.csv, with files of the '
    "TU format (NAME_A.txt, ...) or of Planetoid (ind.NAME.x, ...), or with train.jsonl"
)


def open_graphs(spec, label_column=None):
    """Opens the labelled graphs that `spec` names.

    Args:
        spec: `"demo"` (the karate club); a folder that holds `nodes.csv` and `edges.csv`, the files
            of Planetoid, those of the TU format, or `train.jsonl`, `dev.jsonl` and `test.jsonl`; or
            one `.jsonl` file.
        label_column: Name of the labels' column of `nodes.csv`. Defaults to None (found).

    Returns:
        Dict from split name to an iterable of `Row`, whose input is a `zoo.Graph` and whose label
        is one of the graph or a list, one for each node, with None where there is none; and the
        lines that say what was understood.

    Raises:
        DataError: If nothing readable is there.
    """
    if str(spec) == "demo":
        return read_karate_club(), ["demo: a karate club, its members the nodes of one graph"]
    path = _existing(spec)
    if path.is_dir() and is_edge_list(path):
        sources = read_edge_list(path, label_column)
        return sources, [f"{path}: nodes and links of one graph, a label for each node"]
    if label_column is not None:
        raise DataError(
            "Expected `label_column` only with a nodes.csv. "
            f"Received: {path}, label_column={label_column!r}"
        )
    if path.is_dir() and is_planetoid(path):
        return read_planetoid(path), [f"{path}: one graph with the fixed split of Planetoid"]
    if path.is_dir() and is_tu(path):
        rows = read_tu(path)
        return {"train": rows}, [f"{path}: {len(rows)} graphs in TU format, a label for each"]
    if path.is_dir():
        files = {split_of(file.stem): file for file in sorted(path.glob("*.jsonl"))}
        sources = {split: GraphFile(files[split]) for split in SPLITS if split in files}
        if sources:
            return sources, [f"{split}: {source.path}" for split, source in sources.items()]
        raise DataError(
            f"Expected {_FORMS}. Received: {path}, a folder of "
            f"{sorted(file.name for file in path.iterdir())[:20]}"
        )
    return {"train": GraphFile(_as_jsonl(path))}, [f"{path}: a graph on each line"]


def read_graphs(spec):
    """Yields graphs, whose labels, if they have any, are left out.

    Args:
        spec: As in `open_graphs`, all but Planetoid's, whose files are always labelled; neither a
            column of labels nor a file of them need be there.

    Raises:
        DataError: If nothing readable is there.
    """
    path = _existing(spec)
    if path.is_dir() and is_edge_list(path):
        rows = read_edge_list(path, labelled=False)["train"]
    elif path.is_dir() and is_planetoid(path):
        rows = read_planetoid(path)["train"]
    elif path.is_dir() and is_tu(path):
        rows = read_tu(path, labelled=False)
    else:
        rows = GraphFile(_as_jsonl(path), labelled=False)
    for row in rows:
        yield row.input


def _existing(spec):
    path = Path(spec).expanduser()
    if not path.exists():
        raise DataError(f"Expected {_FORMS}. Received: {str(spec)!r}, and nothing is there")
    return path


def _as_jsonl(path):
    if path.suffix.lower() != ".jsonl":
        raise DataError(f"Expected {_FORMS}. Received: {path}")
    return path
