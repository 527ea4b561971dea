"""Write docs/attacks.md from what the attack tests declare: ``python docs/make_attacks.py``."""

import importlib.util
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("attacks.md")
TESTS = Path(__file__).parents[1] / "tests"

_HEAD = """\
# Attacks, and who notices

This page is made by `python docs/make_attacks.py` from the tests that carry the attacks out; a test
compares the two. The attacker is an insider: he can write every file of the city, knows Veracity, and
holds such keys as are named. Each test acts on a real city (simulated data), runs the command of its
row, and asserts its exit code and what it prints.

What a city alone cannot notice is said where it is so: then it takes somebody outside, with a receipt, a
monitor or a witness.
"""

_WAITING = """\
## Not carried out yet

These threats of the design belong to parts of Veracity that are not built yet.

| threat | belongs to |
| --- | --- |
"""


def render() -> str:
    """Return the page."""
    sys.path[:0] = [str(TESTS)] if str(TESTS) not in sys.path else []
    for path in sorted((TESTS / "attack").glob("test_*.py")):
        if "@attack(" in path.read_text(encoding="utf-8"):
            _load(path)
    from threats import ATTACKS, THREATS

    parts = [_HEAD]
    for threat, area in THREATS.items():
        if area is None:
            found = [a for a in ATTACKS.values() if a.threat == threat]
            assert found, f"a threat of the design that no test carries out: {threat}"
            rows = [
                f"| {a.act} | {a.notices} | `{a.command}` | {a.code} | `{_cell(a.sees)}` | `{a.test}` |"
                for a in found
            ]
            head = "| what the attacker does | who notices | command | exit | it says | test |"
            parts.append("\n".join([f"## {_title(threat)}\n", head, "| --- " * 6 + "|", *rows]) + "\n")
    waiting = [f"| {threat} | {area} |" for threat, area in THREATS.items() if area is not None]
    return "\n".join([*parts, _WAITING + "\n".join(waiting) + "\n"])


def _title(threat: str) -> str:
    return threat[0].upper() + threat[1:]


def _cell(text: str) -> str:
    return text.strip().replace("|", "\\|")


def _load(path: Path) -> None:
    spec = importlib.util.spec_from_file_location(f"declared_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
