"""attnzoo convert: a checkpoint in the format of Hugging Face to a saved folder, and back.

Back, transformers answers as attnzoo does. With `--storage`, a saved folder to a smaller one.
"""

from pathlib import Path

from .output import print_json, print_next


def add_arguments(parser):
    """Adds the arguments of `attnzoo convert`."""
    parser.add_argument(
        "source",
        metavar="SRC",
        help="a folder with config.json and model.safetensors, hf://org/name, Google's .npz of "
        "ViT, or a folder of `attnzoo train`",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="new folder")
    parser.add_argument(
        "--model", help="what a checkpoint becomes, such as sequence_tagger (default: by its head)"
    )
    parser.add_argument(
        "--storage",
        choices=("float16",),
        help="write a saved folder whose weights are in half precision",
    )


def run(arguments):
    """Converts, and accounts for every tensor."""
    from ..zoo import load
    from ..zoo.files import is_checkpoint

    out = Path(arguments.out).expanduser()
    if out.exists():
        raise FileExistsError(f"Expected nothing at {out}; choose another folder.")
    pipeline = load(arguments.source, arguments.model)
    if arguments.storage is not None and not is_checkpoint(arguments.source):
        pipeline.save(out, storage=arguments.storage)
        size = sum(file.stat().st_size for file in out.iterdir())
        if arguments.json:
            print_json({"out": str(out), "storage": arguments.storage, "bytes": size})
        else:
            print(f"Saved to {out} in {arguments.storage}, {size / 1e6:.1f} MB")
        return
    if not is_checkpoint(arguments.source):
        from ..zoo.pretrained import save_checkpoint

        model_type = save_checkpoint(pipeline, out)
        if arguments.json:
            print_json({"out": str(out), "model_type": model_type})
        else:
            print(f"Written to {out} as a checkpoint of model_type {model_type}")
        return
    pipeline.save(out, storage=arguments.storage)
    report = pipeline.training["checkpoint"]
    if arguments.json:
        print_json({"out": str(out), "architecture": pipeline.model.name, **report})
        return
    print(f"{report['model_type']} checkpoint {report['name']}: every tensor is accounted for")
    for name, reason in report["ignored"].items():
        print(f"ignored {name}: {reason}")
    for path in report["missing"]:
        print(f"new and random: {path}")
    for note in report["notes"]:
        print(note)
    print(
        f"Saved to {out} as {pipeline.model.name}, labels: {', '.join(pipeline.labels) or 'none'}"
    )
    if pipeline.labels:
        print_next(f"predict {out} {pipeline.task.command_example}", f"export {out} --out dist")
    else:
        print_next(f"train {out} --data SPEC --out RUN")
