"""The table of rules: what broke, what it means, how often, and the first examples."""

from collections.abc import Iterable

from veracity.data.rules.words import explain, explain_action
from veracity.data.survey.first_look import Example
from veracity.data.survey.survey import Survey
from veracity.pages.html import Html, fitting, joined, shown, tag
from veracity.pages.scale import share

_NAMES = ("rule", "meaning", "action", "rows", "share", "first examples")
_KEPT = 120  # names of rules that nothing broke


def rules(survey: Survey, most_bytes: int) -> Html:
    """Return the table, the rules that were broken most often first."""
    reasons, n = survey.reasons, survey.total("received")
    rows = [(count, _broken(reason, count, n, survey)) for reason, count in reasons.items()]
    rows += [(count, _unreadable(code, count, n, survey)) for code, count in survey.unreadable.items()]
    rows.sort(key=lambda row: -row[0])
    fit = fitting([html for _, html in rows], most_bytes - 30_000)
    heads = [
        tag("th", name, scope="col", class_="num" if name in ("rows", "share") else None) for name in _NAMES
    ]
    caption = "A row that breaks several rules counts in each. Values are as received."
    table = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *fit),
        class_="rules",
    )
    left_out = len(rows) - len(fit)
    return joined(
        [
            tag("div", table, class_="wide") if rows else tag("p", "No row broke a rule."),
            tag("p", f"and {left_out} more rules, broken less often", class_="soft") if left_out else None,
            _kept(survey),
        ]
    )


def _broken(reason: str, count: int, n: int, survey: Survey) -> Html:
    rule = next((r for r in survey.contract.rules if r.reason == reason), None)
    severity = f" ({rule.severity})" if rule is not None else ""
    examples = [_example(e, len(survey.files) > 1) for e in survey.first.examples.get(reason, [])]
    words = shown(explain(survey.contract, reason), 300)
    action = explain_action(survey.contract.action(reason)) + severity
    return _row(shown(reason, 120), words, action, count, n, examples)


def _unreadable(code: str, count: int, n: int, survey: Survey) -> Html:
    first = [text for f in survey.files for text in f.first_unreadable if f": {code}: " in text][:3]
    return _row(
        code,
        explain(survey.contract, code),
        explain_action("refuse"),
        count,
        n,
        [shown(t, 200) for t in first],
    )


def _row(name: str, words: str, action: str, count: int, n: int, examples: Iterable[str]) -> Html:
    cells = [
        tag("td", words, data_of="meaning"),
        tag("td", action, data_of="action"),
        tag("td", f"{count:,}", class_="num", data_of="rows"),
        tag("td", share(count, n), class_="num", data_of="share"),
        tag("td", tag("ul", *(tag("li", text) for text in examples)), data_of="first examples"),
    ]
    return tag("tr", tag("th", tag("code", name), scope="row"), *cells)


def _example(e: Example, name_file: bool) -> str:
    values = ", ".join(
        f"{name} = {'nothing' if value is None else shown(value, 60)}" for name, value in e.values
    )
    file = f"{shown(e.file, 60)}, " if name_file else ""
    return f"{file}record {e.record:,}: {values}"


def _kept(survey: Survey) -> Html | None:
    """Name the rules that no row broke."""
    contract, broken = survey.contract, survey.reasons
    asked = [f"{kind}:{f.name}" for f in contract.fields for kind in f.rules]
    asked += [f"future:{contract.time}"] * (contract.time is not None) + [r.reason for r in contract.rules]
    asked += ["duplicate-key"] * bool(contract.key)
    unasked = {r.reason for r in contract.rules if hasattr(r, "feed") or hasattr(r, "silent")}
    kept = [reason for reason in asked if reason not in broken and reason not in unasked]
    more = f" and {len(kept) - _KEPT} more" if len(kept) > _KEPT else ""
    parts = [
        tag("p", "Broken by no row: ", ", ".join(kept[:_KEPT]), more, ".", class_="soft") if kept else None,
        tag(
            "p", f"Not asked here, for they need a city: {', '.join(sorted(unasked)[:_KEPT])}.", class_="soft"
        )
        if unasked
        else None,
    ]
    return joined(parts)
