"""docs/attacks.md: the table of attacks is what the tests declare, and leaves no threat of the design out."""

import importlib.util
from pathlib import Path
from types import ModuleType

from threats import THREATS

DOCS = Path(__file__).parents[2] / "docs"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_attacks", DOCS / "make_attacks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tests_declare() -> None:
    """An attack, a command or what it says that changed: run `python docs/make_attacks.py`."""
    page = (DOCS / "attacks.md").read_text(encoding="utf-8")
    assert script().render() == page
    assert all(threat in page.lower() for threat in map(str.lower, THREATS))
