"""Weights of a model from the tensors of a checkpoint, every one of both accounted for."""

import fnmatch


def read_weights(model, entries, files, names, unused, report):
    """Fills a model's weights, after everything is checked: all of them or none.

    Args:
        model: A model of the zoo.
        entries: `Entry` list of what is to be read.
        files: `TensorFiles`.
        names: Dict from the names of the tensors, as the entries have them, to those in the files.
        unused: Shell pattern -> reason, of tensors to ignore.
        report: `LoadReport` to fill.

    Raises:
        ValueError: If a tensor that an entry names is missing, has another shape than the weight,
            or is used by no entry and not among the unused ones.
    """
    weights = {weight.path: weight for weight in model.weights}
    values, missing, used = {}, [], set()
    for entry in entries:
        found = [_spelling(name, names) for name in entry.theirs]
        missing += [name for name, spelled in zip(entry.theirs, found, strict=True) if not spelled]
        if None in found:
            continue
        used |= set(found)
        sources = [names[name] for name in found]
        arrays = entry.read(*(files.read(name) for name in sources))
        for path, array in zip(entry.ours, arrays, strict=True):
            values[path] = array
            report.loaded[path] = sources
            if array.shape != tuple(weights[path].shape):
                shapes = " and ".join(f"{name} {files.shapes[name]}" for name in sources)
                report.mismatched.append(f"{shapes} for {path} {tuple(weights[path].shape)}")
    unknown = []
    for name in sorted(set(names) - used):
        reason = next(
            (r for pattern, r in unused.items() if fnmatch.fnmatchcase(name, pattern)), None
        )
        if reason is None:
            unknown.append(names[name])
        else:
            report.ignored[names[name]] = reason
    report.missing = [path for path in weights if path not in values]
    problems = [
        f"{what}: {_some(found)}"
        for what, found in (
            ("missing tensors", missing),
            ("tensors of another shape", report.mismatched),
            ("tensors that this family does not have", unknown),
        )
        if found
    ]
    if problems:
        raise ValueError(
            f"Expected the tensors of a {report.model_type!r} checkpoint with the sizes of its "
            f"config.json; nothing is loaded. Received: {'; '.join(problems)}"
        )
    for path, array in values.items():
        weights[path].assign(array)


def made_tensors(model, entries):
    """Returns the tensors, by name, that hold the weights of a model.

    Raises:
        ValueError: If the model has a weight that no entry is for.
    """
    weights = {weight.path: weight for weight in model.weights}
    tensors = {}
    for entry in entries:
        arrays = entry.write(*(weights.pop(path).numpy() for path in entry.ours))
        names = [name.split("|")[0] for name in entry.theirs]
        tensors |= dict(zip(names, arrays, strict=True))
    if weights:
        raise ValueError(
            f"Expected a tensor for every weight. Received: none for {_some(list(weights))}"
        )
    return tensors


def _spelling(name, names):
    """Returns how the checkpoint calls a tensor, or None if it has it not."""
    return next((alias for alias in name.split("|") if alias in names), None)


def _some(names):
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
