"""The house has floors: a folder imports only what is below it, and what it is allowed to need."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("layers", "zoo", "training", "export", "cli")
WITHOUT_TENSORFLOW = ("layers", "zoo")


def module_name(path):
    """The import name of a file: `zoo/tasks/__init__.py` is `attnzoo.zoo.tasks`."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(("attnzoo", *parts)).removesuffix(".__init__")


def read_sources():
    """Every module of the five folders: {import name: (is it a package, source text)}."""
    return {
        module_name(path): (path.name == "__init__.py", path.read_text(encoding="utf-8"))
        for floor in FLOORS
        for path in sorted((ROOT / floor).rglob("*.py"))
    }


def imported_names(sources, module, module_level_only=False):
    """The absolute names that a module imports, those of `from a import b` as `a.b`."""
    is_package, text = sources[module]
    names = []
    for node in statements(ast.parse(text), module_level_only):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                # One dot is the package itself, which for a plain module is its parent.
                parents = module.split(".")
                parents = parents[: len(parents) - node.level + is_package]
                origin = ".".join([*parents, *([node.module] if node.module else [])])
            names += [f"{origin}.{alias.name}" for alias in node.names]
        elif is_import_by_name(node):
            names.append(node.args[0].value)
    return names


def is_import_by_name(node):
    """Whether a node is `import_module("...")` or `__import__("...")` of an absolute name."""
    if not isinstance(node, ast.Call) or not node.args:
        return False
    function = getattr(node.func, "attr", getattr(node.func, "id", None))
    argument = node.args[0]
    return (
        function in ("import_module", "__import__")
        and isinstance(argument, ast.Constant)
        and isinstance(argument.value, str)
    )


def statements(tree, module_level_only):
    """All nodes of a tree, or only those that run when the module is imported."""
    if not module_level_only:
        yield from ast.walk(tree)
        return
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            node = ast.Module(node.orelse, [])
        yield node
        yield from statements(node, module_level_only)


def upward_imports(sources):
    """Every (module, imported name) that reaches from a lower floor to a higher one."""
    return [
        (module, name)
        for module in sources
        for name in imported_names(sources, module)
        if name.startswith("attnzoo.")
        and FLOORS.index(name.split(".")[1]) > FLOORS.index(module.split(".")[1])
    ]


def bare_imports(sources):
    """Every import of a floor by its folder's name, which works in the repository only."""
    return [
        (module, name)
        for module in sources
        for name in imported_names(sources, module)
        if name.split(".")[0] in FLOORS
    ]


def tensorflow_imports(sources):
    """Every import of TensorFlow, or of what brings it along, on the floors that do without."""
    return [
        (module, name)
        for module in sources
        if module.split(".")[1] in WITHOUT_TENSORFLOW
        for name in imported_names(sources, module)
        if name.split(".")[0].startswith(("tensorflow", "tf2onnx"))
    ]


def import_cycle(sources):
    """A list of modules that import each other in a ring while being imported, or None."""
    graph = {module: set() for module in sources}
    for module in sources:
        for name in imported_names(sources, module, module_level_only=True):
            # `a.b` is the module a.b if there is one, else something defined in a.
            target = name if name in sources else name.rpartition(".")[0]
            if target in sources and target != module:
                graph[module].add(target)

    finished = set()

    def visit(module, trail):
        if module in trail:
            return [*trail[trail.index(module) :], module]
        if module in finished:
            return None
        for target in sorted(graph[module]):
            ring = visit(target, [*trail, module])
            if ring:
                return ring
        finished.add(module)
        return None

    return next(filter(None, (visit(module, []) for module in graph)), None)


def run_python(program, folder):
    """What a program prints, run by a fresh interpreter away from the repository."""
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


# === The house ===


def test_the_sources_are_found():
    modules = set(read_sources())
    assert {f"attnzoo.{floor}" for floor in FLOORS} <= modules
    assert "attnzoo.layers.scores.dot" in modules


def test_no_floor_imports_a_higher_one():
    assert upward_imports(read_sources()) == []


def test_no_floor_is_imported_by_its_bare_folder_name():
    assert bare_imports(read_sources()) == []


def test_no_modules_import_each_other_in_a_ring():
    assert import_cycle(read_sources()) is None


def test_layers_and_zoo_do_not_import_tensorflow():
    assert tensorflow_imports(read_sources()) == []


def test_importing_the_package_puts_no_bare_folder_name_into_sys_modules(tmp_path):
    program = (
        "import sys; from attnzoo import zoo, layers, training, export; "
        f"print(*[name for name in {FLOORS} if name in sys.modules])"
    )
    assert run_python(program, tmp_path) == []


def test_listing_models_imports_neither_keras_nor_tensorflow(tmp_path):
    program = (
        "import sys; import attnzoo.zoo; print(*attnzoo.zoo.list_models()); "
        "print(*['imported:' + name for name in ('keras', 'tensorflow') if name in sys.modules])"
    )
    printed = run_python(program, tmp_path)
    assert "sentiment_classifier" in printed
    assert [word for word in printed if word.startswith("imported:")] == []


# === The checkers themselves ===


def made_up(**modules):
    """Sources in the form of `read_sources`; `layers__x` is the module attnzoo.layers.x."""
    sources = {f"attnzoo.{floor}": (True, "") for floor in FLOORS}
    for name, text in modules.items():
        sources["attnzoo." + name.replace("__", ".")] = (name in FLOORS, text)
    return sources


@pytest.mark.parametrize(
    "text",
    [
        "import attnzoo.zoo",
        "from attnzoo import zoo",
        "from attnzoo.zoo.registry import get_config",
        "from .. import zoo",
        "from ..zoo import build",
        "def f():\n    from ..zoo import build",
        "class A:\n    def f(self):\n        import attnzoo.zoo.builder as b",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..zoo import build",
        "import importlib\nimportlib.import_module('attnzoo.zoo')",
    ],
)
def test_the_checker_catches_an_upward_import(text):
    caught = upward_imports(made_up(layers__x=text))
    assert [(module, name.split(".")[1]) for module, name in caught] == [
        ("attnzoo.layers.x", "zoo")
    ]


def test_the_checker_catches_an_upward_import_of_a_folder_itself():
    assert upward_imports(made_up(layers="from ..export import to_onnx"))
    assert not upward_imports(made_up(layers="from .export import to_onnx"))


@pytest.mark.parametrize("text", ["from ..layers import GELU", "import keras", "from . import y"])
def test_the_checker_lets_downward_imports_pass(text):
    assert upward_imports(made_up(zoo__x=text)) == []


@pytest.mark.parametrize("text", ["import layers", "from zoo.registry import get_config"])
def test_the_checker_catches_a_bare_folder_name(text):
    assert len(bare_imports(made_up(training__x=text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "import tensorflow as tf",
        "from tensorflow import data",
        "import tensorflow.nn",
        "def f():\n    import tensorflow_datasets as tfds",
        "import importlib\ntf = importlib.import_module('tensorflow')",
    ],
)
def test_the_checker_catches_tensorflow_where_it_must_not_be(text):
    assert len(tensorflow_imports(made_up(zoo__x=text))) == 1
    assert tensorflow_imports(made_up(export__x=text)) == []


@pytest.mark.parametrize("first", ["from .y import b", "from . import y", "import attnzoo.zoo.y"])
def test_the_checker_catches_a_ring(first):
    ring = import_cycle(made_up(zoo__x=first, zoo__y="from .z import c", zoo__z="from .x import a"))
    assert set(ring) == {"attnzoo.zoo.x", "attnzoo.zoo.y", "attnzoo.zoo.z"}


@pytest.mark.parametrize(
    "text",
    [
        "def f():\n    from .x import a",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .x import a",
    ],
)
def test_an_import_that_waits_for_a_call_or_a_type_checker_makes_no_ring(text):
    assert import_cycle(made_up(zoo__x="from .y import b", zoo__y=text)) is None
    assert import_cycle(made_up(zoo__x="from .y import b", zoo__y="from .x import a"))
