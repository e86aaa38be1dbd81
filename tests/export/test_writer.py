"""Moving exports into place: nothing is lost, mixed or left half done."""

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import textwrap

import pytest

from attnzoo import export, zoo
from attnzoo.export import common_files, placing, variants, writer

from .small_models import bag_of_words_of


def tree(folder):
    """Every file below a folder with its bytes, hidden ones too."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture
def dist(bag_of_words_artefact, tmp_path):
    """A copy of an artefact of both formats."""
    shutil.copytree(bag_of_words_artefact, tmp_path / "dist")
    return tmp_path / "dist"


@pytest.fixture
def other_model(bag_of_words_name):
    return bag_of_words_of(bag_of_words_name, seed=1)


# === A second export into the same folder ===


@pytest.mark.parametrize("to", [export.to_onnx, export.to_savedmodel], ids=["onnx", "savedmodel"])
def test_a_variant_that_is_there_is_not_replaced(dist, bag_of_words_model, to):
    before = tree(dist)
    with pytest.raises(FileExistsError, match="`overwrite=True`"):
        to(bag_of_words_model, dist)
    assert tree(dist) == before


def test_one_variant_that_is_there_stops_both(dist, bag_of_words_model):
    manifest = manifest_of(dist)
    del manifest["variants"]["onnx/model.onnx"]
    (dist / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    before = tree(dist)
    with pytest.raises(FileExistsError, match="no savedmodel/1 in"):
        export.to_artefact(bag_of_words_model, dist)
    assert tree(dist) == before


def test_overwrite_replaces_the_variant(dist, other_model):
    before = tree(dist)
    assert export.to_artefact(other_model, dist, overwrite=True).passed
    after = tree(dist)
    assert after.keys() == before.keys()
    assert after["onnx/model.onnx"] != before["onnx/model.onnx"]
    assert export.verify(dist).passed


def test_overwrite_leaves_no_file_of_the_old_variant(dist, bag_of_words_model):
    (dist / "savedmodel" / "1" / "stray").write_text("left over")
    (dist / "samples" / "stray.npz").write_text("left over")
    export.to_savedmodel(bag_of_words_model, dist, overwrite=True)
    assert not [name for name in tree(dist) if "stray" in name]
    assert export.verify(dist).passed


def test_a_format_that_is_added_later_joins_the_manifest(tmp_path, bag_of_words_model):
    first = export.to_savedmodel(bag_of_words_model, tmp_path / "dist")
    second = export.to_onnx(bag_of_words_model, tmp_path / "dist")
    assert {check.variant for check in first.checks} == {"artefact", "savedmodel/1"}
    assert {check.variant for check in second.checks} == {"artefact", "onnx/model.onnx"}
    manifest = manifest_of(tmp_path / "dist")
    assert manifest["variants"].keys() == {"savedmodel/1", "onnx/model.onnx"}
    verified = json.loads((tmp_path / "dist" / "verify.json").read_text(encoding="utf-8"))
    assert verified["passed"]
    assert {check["variant"] for check in verified["checks"]} == {
        "artefact",
        "savedmodel/1",
        "onnx/model.onnx",
    }
    readme = (tmp_path / "dist" / "README.md").read_text(encoding="utf-8")
    assert "`savedmodel/1`" in readme
    assert "`onnx/model.onnx`" in readme
    assert len(export.verify(tmp_path / "dist").checks) == len(verified["checks"])


def test_versions_stand_side_by_side_and_each_is_verified(dist, bag_of_words_model):
    for version in (2, 3):
        export.to_savedmodel(bag_of_words_model, dist, version=version)
    versions = {f"savedmodel/{version}" for version in (1, 2, 3)}
    assert manifest_of(dist)["variants"].keys() == {*versions, "onnx/model.onnx"}
    report = export.verify(dist)
    answered = {check.variant for check in report.checks if "TensorFlow 1 session" in check.name}
    assert answered == versions
    variables = dist / "savedmodel" / "2" / "variables" / "variables.data-00000-of-00001"
    variables.write_bytes(variables.read_bytes()[:-1])
    with pytest.raises(export.VerificationError, match=f"savedmodel/2: files .*{variables.name}"):
        export.verify(dist)


def test_what_all_variants_share_stays_as_it_was_and_is_mended(dist, bag_of_words_model):
    sample = next((dist / "samples").iterdir())
    written = os.stat(sample)
    export.to_savedmodel(bag_of_words_model, dist, version=2)
    assert os.stat(sample).st_ino == written.st_ino
    sample.write_bytes(b"damaged")
    export.to_savedmodel(bag_of_words_model, dist, version=3)
    assert export.verify(dist).passed


@pytest.mark.parametrize("overwrite", [False, True])
def test_another_model_does_not_go_beside_the_first(dist, other_model, overwrite):
    before = tree(dist)
    with pytest.raises(ValueError, match="one artefact is one model"):
        export.to_savedmodel(other_model, dist, version=2, overwrite=overwrite)
    assert tree(dist) == before


def test_the_same_weights_with_other_labels_are_another_model(tmp_path, bag_of_words_pipeline):
    export.to_onnx(bag_of_words_pipeline, tmp_path / "dist")
    pipeline = zoo.Pipeline(
        bag_of_words_pipeline.model, bag_of_words_pipeline.preprocessor, ["a", "b", "c"]
    )
    with pytest.raises(ValueError, match="one artefact is one model"):
        export.to_savedmodel(pipeline, tmp_path / "dist", signatures=["tokens"])


# === A folder of something else ===


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["notes.txt", "onnx.py", "src/module.py"])
def test_a_folder_with_files_of_a_user_is_not_touched(
    tmp_path, bag_of_words_model, name, overwrite
):
    mine = tmp_path / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(FileExistsError, match="which holds something else"):
        export.to_onnx(bag_of_words_model, tmp_path / "mine", overwrite=overwrite)
    assert tree(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_not_touched(tmp_path, bag_of_words_model):
    (tmp_path / "dist").write_text("mine")
    with pytest.raises(FileExistsError, match="which holds something else"):
        export.to_onnx(bag_of_words_model, tmp_path / "dist")
    assert tree(tmp_path) == {"dist": b"mine"}


def test_a_saved_pipeline_is_not_exported_into(tmp_path, bag_of_words_pipeline):
    bag_of_words_pipeline.save(tmp_path / "run")
    before = tree(tmp_path)
    with pytest.raises(ValueError, match=r"attnzoo\.pipeline"):
        export.to_onnx(bag_of_words_pipeline, tmp_path / "run", overwrite=True)
    assert tree(tmp_path) == before


def test_an_empty_folder_and_new_parents_are_fine(tmp_path, bag_of_words_model):
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path / "new" / "parents" / "dist"):
        assert export.to_onnx(bag_of_words_model, folder).passed
        assert (folder / "manifest.json").is_file()


# === A writer that writes something wrong ===


def perturbed(write):
    """A writer whose file holds weights that are not those of the model."""

    def write_perturbed(served, path, *arguments, **options):
        kernel = served.model.get_layer("logits").kernel
        value = kernel.numpy()
        kernel.assign(value + 0.01)
        try:
            return write(served, path, *arguments, **options)
        finally:
            kernel.assign(value)

    return write_perturbed


@pytest.mark.parametrize(
    ("write", "to"),
    [("write_onnx", export.to_onnx), ("write_savedmodel", export.to_savedmodel)],
    ids=["onnx", "savedmodel"],
)
def test_a_failed_verification_leaves_nothing(tmp_path, monkeypatch, bag_of_words_model, write, to):
    monkeypatch.setattr(variants, write, perturbed(getattr(variants, write)))
    with pytest.raises(export.VerificationError, match="logits differs") as caught:
        to(bag_of_words_model, tmp_path / "dist")
    names = [check.name for check in caught.value.report.failures]
    assert all(name.startswith(("answers", "requests that a server")) for name in names)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_verification_leaves_the_old_variant(dist, monkeypatch, bag_of_words_model):
    before = tree(dist.parent)
    monkeypatch.setattr(variants, "write_onnx", perturbed(variants.write_onnx))
    with pytest.raises(export.VerificationError):
        export.to_onnx(bag_of_words_model, dist, overwrite=True)
    assert tree(dist.parent) == before


# === Ctrl-C, and no space ===


def interrupt(*_, **__):
    raise KeyboardInterrupt


def interrupt_after(function):
    """Does half of the work, and is interrupted then."""

    def interrupted(*arguments, **keywords):
        function(*arguments, **keywords)
        raise KeyboardInterrupt

    return interrupted


@pytest.mark.parametrize("half_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("module", "step"),
    [
        (common_files, "write_samples"),
        (variants, "write_savedmodel"),
        (variants, "write_onnx"),
        (writer, "verify"),
    ],
)
def test_ctrl_c_leaves_nothing(tmp_path, monkeypatch, bag_of_words_model, module, step, half_done):
    original = getattr(module, step)
    monkeypatch.setattr(module, step, interrupt_after(original) if half_done else interrupt)
    formats = ["onnx"] if step == "write_onnx" else ["savedmodel"]
    with pytest.raises(KeyboardInterrupt):
        export.to_artefact(bag_of_words_model, tmp_path / "dist", formats)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moves", [0, 1, 2, 3])
def test_ctrl_c_while_moving_in_leaves_no_artefact_and_the_next_export_works(
    tmp_path, monkeypatch, bag_of_words_model, moves
):
    replace, done = placing._replace, []

    def replace_some(source, target):
        if len(done) == moves:
            raise KeyboardInterrupt
        done.append(target)
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(placing, "_replace", replace_some)
        patch.setattr(placing, "artefact_readme", interrupt)  # The step after the last move.
        with pytest.raises(KeyboardInterrupt):
            export.to_onnx(bag_of_words_model, tmp_path / "dist")
    assert len(done) == min(moves, 3)
    assert not (tmp_path / "dist" / "manifest.json").exists()
    assert not list(tmp_path.glob(".partial-*"))
    with pytest.raises(FileNotFoundError):
        export.verify(tmp_path / "dist")
    assert export.to_onnx(bag_of_words_model, tmp_path / "dist").passed
    assert export.verify(tmp_path / "dist").passed


def test_ctrl_c_while_replacing_a_variant_keeps_the_other(dist, monkeypatch, bag_of_words_model):
    with monkeypatch.context() as patch:
        patch.setattr(placing, "_replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            export.to_onnx(bag_of_words_model, dist, overwrite=True)
    assert manifest_of(dist)["variants"].keys() == {"savedmodel/1"}
    assert export.verify(dist).passed
    assert export.to_onnx(bag_of_words_model, dist).passed


@pytest.mark.parametrize("format_name", ["onnx", "savedmodel"])
def test_no_space_is_an_error_that_leaves_nothing(tmp_path, bag_of_words_name, format_name):
    """A limit on the size of files stands for a full disk."""
    big = bag_of_words_of(bag_of_words_name, vocabulary_size=20_000)  # 320 kB
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        with pytest.raises(Exception, match=f"File too large|{os.strerror(errno.EFBIG)}"):
            export.to_artefact(big, tmp_path / "dist", [format_name])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(tmp_path.iterdir()) == []


# === Other processes ===

PROGRAM = textwrap.dedent(
    """
    import os, signal, sys, time
    from attnzoo import export, zoo
    from attnzoo.export import placing

    pipeline_folder, target, formats, stop_at = sys.argv[1:]

    def progress(message):
        print(message, flush=True)
        if stop_at and message.startswith(stop_at):
            time.sleep(600)

    if stop_at.startswith("move "):
        replace, moves = placing._replace, int(stop_at.split()[1])
        def replace_some(source, target):
            global moves
            if moves == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            moves -= 1
            replace(source, target)
        placing._replace = replace_some
    export.to_artefact(
        zoo.load(pipeline_folder), target, formats.split(","), progress=progress
    )
    print("done", flush=True)
    """
)


@pytest.fixture
def start(tmp_path, export_of):
    """`f(target, formats, stop_at)`: an export of a saved pipeline in a process of its own."""
    name = "sentiment_classifier"
    export_of(name).pipeline.save(tmp_path / "run")
    processes = []

    def start_process(target, formats, stop_at=""):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "run"), str(target), formats, stop_at],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start_process
    for process in processes:
        process.kill()
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", ["sampling", "writing onnx", "verifying"])
def test_a_killed_export_leaves_a_partial_folder_that_the_next_one_removes(
    tmp_path, start, export_of, stop_at
):
    parent = tmp_path / "out"
    process = start(parent / "dist", "onnx", stop_at)
    for line in process.stdout:
        if line.startswith(stop_at):
            break
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = [path.name for path in parent.iterdir()]
    assert left == [f".partial-dist-{process.pid}"]
    pipeline = export_of("sentiment_classifier").pipeline
    assert export.to_onnx(pipeline, parent / "dist").passed
    assert [path.name for path in parent.iterdir()] == ["dist"]


@pytest.mark.slow
@pytest.mark.parametrize("moves", [0, 1, 3])
def test_an_export_killed_while_moving_in_does_not_count(tmp_path, start, export_of, moves):
    parent = tmp_path / "out"
    process = start(parent / "dist", "onnx", f"move {moves}")
    process.wait()
    assert process.returncode == -signal.SIGKILL
    assert not (parent / "dist" / "manifest.json").exists()
    pipeline = export_of("sentiment_classifier").pipeline
    assert export.to_onnx(pipeline, parent / "dist").passed
    assert [path.name for path in parent.iterdir()] == ["dist"]
    assert export.verify(parent / "dist").passed


@pytest.mark.slow
def test_the_partial_folder_of_a_running_export_is_left_alone(tmp_path, start, export_of):
    parent = tmp_path / "out"
    process = start(parent / "dist", "onnx", "writing onnx")
    for line in process.stdout:
        if line.startswith("writing onnx"):
            break
    export.to_onnx(export_of("sentiment_classifier").pipeline, parent / "dist")
    assert (parent / f".partial-dist-{process.pid}").is_dir()


@pytest.mark.slow
def test_two_exports_at_once_into_one_folder_both_count(tmp_path, start):
    processes = [start(tmp_path / "dist", name) for name in ("onnx", "savedmodel")]
    for process in processes:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        assert output.endswith("done\n")
    assert manifest_of(tmp_path / "dist")["variants"].keys() == {"savedmodel/1", "onnx/model.onnx"}
    assert export.verify(tmp_path / "dist").passed
    assert not list(tmp_path.glob(".partial-*"))


@pytest.mark.slow
def test_of_two_exports_of_one_variant_one_wins_and_the_other_says_so(tmp_path, start):
    processes = [start(tmp_path / "dist", "onnx") for _ in range(2)]
    errors = [process.communicate()[1] for process in processes]
    codes = sorted(process.returncode for process in processes)
    assert codes in ([0, 1], [0, 0])  # [0, 0] only if one had ended before the other began
    if codes == [0, 1]:
        assert "FileExistsError" in "".join(errors)
    assert export.verify(tmp_path / "dist").passed
