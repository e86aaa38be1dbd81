"""attnzoo attention: which parts of an input each head of each layer attends to, as a picture."""

from pathlib import Path

SUFFIXES = (".png", ".html")


def add_arguments(parser):
    """Adds the arguments of `attnzoo attention`."""
    parser.add_argument("model", help="a folder of `attnzoo train`")
    parser.add_argument("input", help="a text, or the path of an image")
    parser.add_argument(
        "--out", required=True, metavar="FILE", help="a .png, or an .html to hover over"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def run(arguments):
    """Draws the attention maps, and prints where."""
    out = Path(arguments.out)
    if out.suffix.lower() not in SUFFIXES:
        raise ValueError(
            f"Expected --out to end in one of {', '.join(SUFFIXES)}. Received: {arguments.out}"
        )
    if out.exists() and not arguments.overwrite:
        raise FileExistsError(
            f"Expected no file at {out}; choose another name or pass --overwrite."
        )
    if not out.parent.is_dir():
        raise FileNotFoundError(f"Expected a folder {out.parent} to write to; there is none.")
    from .. import zoo

    pipeline = zoo.load(arguments.model)
    encoded = pipeline.preprocessor.encode([arguments.input])
    scores = zoo.attention_scores(pipeline.model, pipeline.preprocessor.collate(encoded))
    scores = {name: weights[0] for name, weights in scores.items()}
    ticks = pipeline.preprocessor.ticks(encoded[0])
    (prediction,) = pipeline([arguments.input])
    title = f"{arguments.model}: {prediction}"
    if out.suffix.lower() == ".html":
        from .attention_page import attention_page

        out.write_text(attention_page(scores, ticks, title), encoding="utf-8")
    else:
        from .attention_map import draw_attention_map

        draw_attention_map(out, scores, ticks, title)
    if arguments.json:
        from .output import print_json

        print_json(
            {
                "out": arguments.out,
                "ticks": ticks,
                "shapes": {name: list(weights.shape) for name, weights in scores.items()},
            }
        )
        return
    heads = max(map(len, scores.values()))
    print(f"{len(scores)} layers with up to {heads} heads over {len(ticks)} tokens drawn to {out}")
