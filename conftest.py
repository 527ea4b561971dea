"""For all tests and the examples in ``src``: what collecting and starting need not cost."""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from _pytest.doctest import DoctestModule

# Tests start many processes: each would compile the package again where the first may not keep it.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: What takes a minute or more begins first: at the end it would leave all cores but one idle.
LONG = ("tests/docs/test_readme.py", "tests/browser/test_demo_city.py", "tests/crash/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long tests first; the others stay in their order."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path) -> Generator[None, Any, Any]:
    """Leave a module out of the search for examples if it cannot have one: importing all takes long."""
    collected = yield
    if file_path.suffix == ".py" and b">>>" not in file_path.read_bytes():
        return [one for one in collected if not isinstance(one, DoctestModule)]
    return collected
