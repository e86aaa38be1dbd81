"""The examples in docstrings say what happens."""

import doctest
import importlib
import pkgutil

import pytest

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
FLOORS = ("layers", "zoo", "training", "export", "cli")


def module_names():
    """The import names of all modules of the package."""
    for floor in FLOORS:
        package = importlib.import_module(f"attnzoo.{floor}")
        yield package.__name__
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(".__main__"):
                yield module.name


def examples_of(name):
    """The doctests of a module that have examples."""
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name))
    return [test for test in found if test.examples]


EXAMPLES = {name: tests for name in module_names() if (tests := examples_of(name))}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_of_a_module_are_right(name):
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    report = []
    for test in EXAMPLES[name]:
        runner.run(test, out=report.append)
    assert not runner.summarize(verbose=False).failed, "".join(report)


def test_there_are_examples():
    tests = [test for tests in EXAMPLES.values() for test in tests]
    assert len(tests) >= 25
    assert sum(len(test.examples) for test in tests) >= 50
