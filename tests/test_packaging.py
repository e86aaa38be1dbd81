"""What a user installs: the five folders under one name, whole, and nothing else."""

import email
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).parents[1]
FLOORS = ("layers", "zoo", "training", "export", "cli")


def packages_on_disk():
    """Every folder with an `__init__.py` below the five, as its import name."""
    return {
        ".".join(("attnzoo", *path.parent.relative_to(ROOT).parts))
        for floor in FLOORS
        for path in (ROOT / floor).rglob("__init__.py")
    }


@pytest.fixture
def setup_arguments(monkeypatch):
    """What setup.py tells setuptools."""
    received = {}
    monkeypatch.setattr(setuptools, "setup", lambda **arguments: received.update(arguments))
    runpy.run_path(str(ROOT / "setup.py"))
    return received


# === setup.py ===


def test_setup_names_every_package_and_no_other(setup_arguments):
    assert sorted(setup_arguments["packages"]) == sorted(packages_on_disk())


def test_only_one_name_is_installed(setup_arguments):
    assert {name.split(".")[0] for name in setup_arguments["packages"]} == {"attnzoo"}
    assert setup_arguments["package_dir"] == {f"attnzoo.{floor}": floor for floor in FLOORS}
    assert not setup_arguments.get("py_modules")


def test_every_floor_says_that_it_is_typed(setup_arguments):
    for floor in FLOORS:
        assert (ROOT / floor / "py.typed").is_file()
        assert "py.typed" in setup_arguments["package_data"][f"attnzoo.{floor}"]


def test_every_folder_with_modules_is_a_package():
    folders = {path.parent for floor in FLOORS for path in (ROOT / floor).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


# === The wheel ===


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built offline from a copy, so that the repository stays clean."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in (*FLOORS, "setup.py", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    # Things that lie about in a repository and must stay out.
    for name in ("shared/data", "tests", "runs", "build_of_mine"):
        (source / name).mkdir(parents=True)
        (source / name / "__init__.py").write_text("")
        (source / name / "reviews.tsv").write_text("a\tb\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)),
            str(source),
        ],
        check=True,
        cwd=folder,
    )
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.mark.slow
def test_the_wheel_holds_one_package_and_its_metadata(wheel):
    tops = {name.split("/")[0] for name in wheel.namelist()}
    (metadata,) = tops - {"attnzoo"}
    assert metadata.startswith("attnzoo-")
    assert metadata.endswith(".dist-info")
    # `attnzoo` itself is a namespace.
    assert {name.split("/")[1] for name in wheel.namelist() if name.startswith("attnzoo/")} == set(
        FLOORS
    )


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_every_data_file(wheel):
    expected = {
        "attnzoo/" + path.relative_to(ROOT).as_posix()
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    received = {name for name in wheel.namelist() if name.startswith("attnzoo/")}
    assert received == expected
    assert {f"attnzoo/{floor}/py.typed" for floor in FLOORS} <= received
    assert "attnzoo/training/demo/reviews.tsv" in received


@pytest.mark.slow
def test_no_data_of_others_is_in_the_wheel(wheel):
    assert not [name for name in wheel.namelist() if "shared" in name or "tests" in name]
    # Of which the digits of synthetic voices, made for the demo, are three.
    ours = [file for file in wheel.infolist() if "/zoo/weights/" not in file.filename]
    assert sum(file.file_size for file in ours) < 5_000_000


@pytest.mark.slow
def test_the_wheel_brings_the_command(wheel):
    (entry_points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    text = wheel.read(entry_points).decode()
    assert text.split() == ["[console_scripts]", "attnzoo", "=", "attnzoo.cli.main:main"]


@pytest.mark.slow
def test_the_metadata_name_licence_python_and_requirements(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith("/METADATA")]
    metadata = email.message_from_bytes(wheel.read(name))
    assert metadata["Name"] == "attnzoo"
    assert metadata["Requires-Python"] == ">=3.11,<3.14"
    assert metadata["License"] == "Apache-2.0"
    required = {line.split(">")[0].strip() for line in metadata.get_all("Requires-Dist")}
    assert {"tensorflow", "keras", "tokenizers", "onnx", "onnxruntime", "tf2onnx"} <= required
    assert [name for name in wheel.namelist() if name.endswith("LICENSE")]


@pytest.mark.slow
def test_the_wheel_runs_when_it_is_unpacked_somewhere(wheel, tmp_path):
    wheel.extractall(tmp_path / "site")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        # The repository itself may be installed here, for development.
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in str(f)]\n"
        "from attnzoo import zoo, training\n"
        "assert zoo.__file__.startswith(sys.argv[1]), zoo.__file__\n"
        "print(len(training.load_data('demo', verbose=False).test))\n"
        "from attnzoo.cli.main import main; main(['list'])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "site")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("160\n")
    assert "sentiment_classifier/tiny" in result.stdout
