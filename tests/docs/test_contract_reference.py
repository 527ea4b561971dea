"""docs/contracts.md: everything the code reads or says about a contract is on the page."""

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from veracity.cli.main import main
from veracity.data import contract, contract_field, rules
from veracity.data.contract import parse_contract
from veracity.data.contract_field import LogicalType
from veracity.data.rules.catalogue import KINDS
from veracity.data.text import RefusalCode
from veracity.data.timeformat import _LETTERS
from veracity.home.index import WHOLE_FILE

PAGE = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text(encoding="utf-8")
WORDS = {word for span in re.findall(r"`([^`\n]+)`", PAGE) for word in re.split(r"[ ,]+", span)}
BLOCKS = dict(reversed(re.findall(r"```(yaml|csv|console)\n(.*?)```", PAGE, re.DOTALL)))


def tree(module: object) -> ast.Module:
    return ast.parse(Path(str(getattr(module, "__file__", ""))).read_text(encoding="utf-8"))


def strings(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}


def calls(module: object, name: str) -> list[ast.Call]:
    """Return the calls of a function in a module's source."""
    found = [n for n in ast.walk(tree(module)) if isinstance(n, ast.Call)]
    return [c for c in found if isinstance(c.func, ast.Name) and c.func.id == name]


def reasons() -> set[str]:
    """Return the reasons that a contract without custom rules can give: `rule:<name>`, `duplicate-key`."""
    example = parse_contract(BLOCKS["yaml"].encode())
    return {re.sub(r":\w+", ":<name>", reason) for reason in replace(example, rules=()).reasons}


def rule_settings() -> set[str]:
    """Return the names of settings that readers of rules take, from their source."""
    folder = Path(rules.__file__).parent
    sources = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("*.py")]
    calls_ = [n for source in sources for n in ast.walk(source) if isinstance(n, ast.Call)]
    takes = {"number", "whole", "duration_s", "text", "choice", "flag", "items", "mapping", "column", "has"}
    found = set()
    for call in calls_:
        of = call.func
        if isinstance(of, ast.Attribute) and of.attr in takes and ast.unparse(of.value) in ("p", "q"):
            found |= strings(call.args[0])
    return found


def custom_properties() -> set[str]:
    found = calls(contract, "custom_properties") + calls(contract_field, "custom_properties")
    return set().union(*(strings(call.args[2]) for call in found))


def type_options() -> set[str]:
    taken = {
        str(c.args[2].value)
        for reader in ("_take", "_number", "_length")
        for c in calls(contract_field, reader)
        if isinstance(c.args[2], ast.Constant)
    }
    pops = [n for n in ast.walk(tree(contract_field)) if isinstance(n, ast.Call)]
    popped = [c for c in pops if ast.unparse(c.func) == "options.pop" and isinstance(c.args[0], ast.Constant)]
    return taken | {str(c.args[0].value) for c in popped if isinstance(c.args[0], ast.Constant)}


@pytest.mark.parametrize(
    ("what", "named", "at_least"),
    [
        ("custom property", custom_properties(), {"agency", "missing", "fallbackEncoding"}),
        ("logicalTypeOption", type_options(), {"minimum", "timezone", "format"}),
        ("logicalType", set(get_args(LogicalType)), {"string"}),
        ("custom rule", set(KINDS), {"relation", "spike"}),
        ("setting of a rule", rule_settings(), {"expect", "threshold", "tolerance"}),
        ("reason", reasons(), {"type:<name>", "range:<name>", "future:<name>", "duplicate-key"}),
        ("refusal", set(get_args(RefusalCode)), {"fields"}),
        ("whole-file refusal", set(WHOLE_FILE), {"unsigned"}),
        ("letter of a time's shape", set(_LETTERS), {"yyyy"}),
    ],
)
def test_what_the_code_knows_is_on_the_page(what: str, named: set[str], at_least: set[str]) -> None:
    """A new custom property, option, type, reason or code needs a line on the page."""
    assert at_least <= named, f"the code is no longer read right for: {what}"
    assert not named - WORDS, f"docs/contracts.md lacks the {what} {sorted(named - WORDS)}"


def test_every_reason_on_the_page_is_one() -> None:
    """The table of reasons names no rule that is not checked."""
    table = PAGE.split("## Reasons")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == reasons()


def test_every_rule_on_the_page_is_one() -> None:
    """The tables of custom rules name the kinds there are, and no other."""
    section = PAGE.split("### Rules on rows and sensors")[1].split("#### Formulas")[0]
    tables = section.split("**One row.**")[1]
    assert set(re.findall(r"^\| `([^`]+)` \|", tables, re.MULTILINE)) == set(KINDS)


def test_every_refusal_on_the_page_is_one() -> None:
    """The tables of refusals name the codes there are, and no other."""
    for title, codes in (("Refusals", set(get_args(RefusalCode))), ("Whole files refused", set(WHOLE_FILE))):
        table = PAGE.split(f"## {title}")[1].split("\n## ")[0]
        assert set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == codes


def test_the_example_says_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example's command, run on the example's files, prints the page's lines and exits 1."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1756857600")
    Path("weather.yaml").write_text(BLOCKS["yaml"], encoding="utf-8")
    Path("weather.csv").write_text(BLOCKS["csv"], encoding="utf-8")
    command, _, output = BLOCKS["console"].partition("\n")
    with pytest.raises(SystemExit, match="1"):
        main(command.removeprefix("$ veracity ").split())
    assert capsys.readouterr().out == output


def test_the_example_shows_every_custom_property_and_every_reason() -> None:
    """One example to copy from: nothing of our agency is missing in it."""
    assert parse_contract(BLOCKS["yaml"].encode()).simulated
    assert {p for p in custom_properties() if f"property: {p}," not in BLOCKS["yaml"]} == set()
    shown = {re.sub(r":\w+", ":<name>", word) for word in BLOCKS["console"].split()}
    assert reasons() <= shown
