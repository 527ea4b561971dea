"""The head of the page: what was checked, the verdict in a sentence, and a sum that adds up."""

from veracity.data.survey.survey import FileCounts, Survey
from veracity.pages.html import Html, fitting, joined, shown, tag
from veracity.pages.scale import share

FILES = 40


def head(survey: Survey, most_bytes: int) -> Html:
    """Return the head."""
    c = survey.contract
    files = fitting([_file(f) for f in survey.files[:FILES]], most_bytes - 10_000)
    left_out = len(survey.files) - len(files)
    facts = [
        ("Feed", c.feed),
        ("Contract", f"version {shown(c.version, 40)}, SHA-256 {c.sha256}"),
        ("Checked", f"{survey.made_at}; nothing was stored"),
        ("Times", "in UTC"),
    ]
    return joined(
        [
            tag("h1", shown(c.title, 200)),
            tag("p", tag("span", "SIMULATED DATA", class_="sim")) if c.simulated else None,
            tag("p", verdict(survey), class_="verdict" + ("" if is_accepted(survey) else " no")),
            _sum(survey),
            tag("dl", *(part for name, value in facts for part in (tag("dt", name), tag("dd", value)))),
            tag("div", _table(files), class_="wide"),
            tag("p", f"and {left_out:,} more files, in the sums above", class_="soft") if left_out else None,
        ]
    )


def is_accepted(survey: Survey) -> bool:
    """Whether every row would be accepted."""
    return survey.total("received") == survey.total("accepted")


def verdict(survey: Survey) -> str:
    """Say in a sentence what would become of the files."""
    n, accepted, flagged = (survey.total(name) for name in ("received", "accepted", "flagged"))
    of_them = f"{flagged:,} of them flagged" if flagged else "none of them flagged"
    if not n:
        return "The files hold no rows."
    if accepted == n:
        return f"All {n:,} rows would be accepted, {of_them}."
    aside = {r: k for r, k in survey.reasons.items() if survey.contract.sets_aside(r)} | survey.unreadable
    most = max(aside, key=lambda reason: aside[reason])
    return (
        f"Of {n:,} rows {accepted:,} ({share(accepted, n)}) would be accepted, {of_them};"
        f" {n - accepted:,} would not, most often for {most} ({aside[most]:,})."
    )


def _sum(survey: Survey) -> Html:
    parts = [("", "received"), ("=", "accepted"), ("+", "quarantined"), ("+", "refused")]
    items = [
        tag("li", tag("i", sign), tag("b", f"{survey.total(name):,}"), tag("span", name))
        for sign, name in parts
    ]
    return tag("ul", *items, class_="sum", aria_label="Where every row goes")


def _table(rows: list[Html]) -> Html:
    names = ("file", "SHA-256", "bytes", "received", "accepted", "quarantined", "refused")
    heads = [tag("th", name, scope="col", class_="num" if i > 1 else None) for i, name in enumerate(names)]
    caption = tag("caption", "The files, each held to the contract on its own")
    return tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows))


def _file(f: FileCounts) -> Html:
    counts = (f.n_bytes, f.received, f.accepted, f.quarantined, f.refused)
    return tag(
        "tr",
        tag("th", shown(f.name, 120), scope="row"),
        tag("td", tag("code", f.sha256), class_="sha"),
        *(tag("td", f"{n:,}", class_="num") for n in counts),
    )
