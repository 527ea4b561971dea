"""docs/cli.md: the command reference is what the code says."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from veracity.cli.main import main

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "cli.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^### veracity (.+)$", PAGE, re.MULTILINE)


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_cli", DOCS / "make_cli.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_script_writes() -> None:
    """A command, an option, an error or an exit code that changed: run `python docs/make_cli.py`."""
    assert script().render() == PAGE


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_on_the_page_answers(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each section is a command that the program has, with every option it names."""
    with pytest.raises(SystemExit, match="0"):
        main([*command.split(), "--help"])
    shown = capsys.readouterr().out
    section = PAGE.split(f"### veracity {command}\n")[1].split("\n##")[0]
    options = re.findall(r"^\| (`.+?`)(?: |,)", section, re.MULTILINE)
    assert options
    assert all(name in shown for option in options for name in re.findall(r"`([^`]+)`", option))


def test_every_error_code_is_one_errors_own() -> None:
    """Callers may match on a code, so no two errors share one."""
    codes = [error.code for error in script().errors()]
    assert sorted({code for code in codes if codes.count(code) > 1}) == []
