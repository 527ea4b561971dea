"""The public register as static pages: an index, and one page a system, with pictures and no script."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from veracity.data.rules.language import unit_symbol
from veracity.models.app import Words
from veracity.models.decision_rows import OVERRIDDEN, OVERRIDE
from veracity.models.decisions import OWN
from veracity.models.incidents import DEADLINES
from veracity.models.panel_array import Floats
from veracity.models.register import Declared, Entry, Fact, IncidentLine, Register, best_skill
from veracity.models.scoreboard import key_horizons
from veracity.pages.document import document, rows_table
from veracity.pages.errors_by_horizon import ERRORS_STYLE, Curve, errors_plot
from veracity.pages.html import Html, joined, shown, tag
from veracity.pages.plot import HEIGHT, WIDTH, dots, legend, path, plot
from veracity.pages.scale import Tick, number_ticks
from veracity.pages.score_words import model_name, score_cell, share_cell

MOST_LINES = 200
LANGUAGES: Words = {"en": "English", "vi": "Tiếng Việt", "id": "Bahasa Indonesia"}
REGISTER_STYLE = (
    ERRORS_STYLE
    + """
.stale,.missing{border-left:.3rem solid var(--bad);padding-left:.4rem}
.overdue{color:var(--bad);font-weight:700}
"""
)
_FACTS = (
    ("stage", "Stage"),
    ("model", "Model (digest)"),
    ("trained", "Made"),
    ("assured", "Tested"),
    ("card", "Model card (digest)"),
    ("data", "Data"),
    ("runs", "Runs"),
    ("scored", "Scored"),
)


def index_page(register: Register) -> bytes:
    """Return the page of all systems."""
    title = f"Register of systems of {shown(register.origin)}"
    rows: list[tuple[Html | str, ...]] = [_index_row(entry) for entry in register.entries]
    heads = (
        *("system", "owner", "stage", "risk", "beside the best simple forecast"),
        *("overrides", "open incidents", "not known or old"),
    )
    table = (
        rows_table("Systems", heads, rows, words=(0, 1, 2, 3, 4, 7))
        if rows
        else tag("p", "No system is known.")
    )
    return document(title, tag("h1", title), _as_of(register), table, style=REGISTER_STYLE)


def system_page(register: Register, entry: Entry) -> bytes:
    """Return the page of one system."""
    title = _title(entry)
    body = [
        tag("nav", tag("a", "All systems", href="index.html"), tag("a", "JSON", href=f"{entry.system}.json")),
        tag("h1", title),
        tag("p", tag("span", "SIMULATED", class_="sim")) if entry.simulated else None,
        _as_of(register),
        _declaration(entry.declared),
        _facts(entry),
        *_skills(entry),
        _incidents(entry),
        _overrides(entry),
    ]
    return document(title, *body, style=REGISTER_STYLE)


def _as_of(register: Register) -> Html:
    return tag(
        "p",
        f"Computed from {register.size:,} entries of the log {shown(register.origin)} at {register.as_of}."
        f" Root of the log: {register.root_sha256}. A number in brackets is the log entry that proves a"
        " fact; veracity lineage with that number shows it and what it rests on.",
        class_="soft",
    )


def _title(entry: Entry) -> str:
    return shown(entry.declared.title["en"]) if entry.declared else shown(entry.system)


def _index_row(entry: Entry) -> tuple[Html | str, ...]:
    declared = entry.declared
    lacking = [n for n, f in entry.facts.items() if f.standing != "known"]
    skill = ", ".join(f"{shown(t)}: {_beside(v)}" for t, v in best_skill(entry).items())
    overdue = f", {entry.n_overdue} OVERDUE" if entry.n_overdue else ""
    name = tag("a", _title(entry), href=f"{entry.system}.html")
    return (
        joined([name, " [SIMULATED]" if entry.simulated else None]),
        shown(declared.owner) if declared else "not declared",
        _stage(entry.facts["stage"]),
        declared.risk if declared else "not declared",
        skill or "nothing scored",
        f"{len(entry.overrides):,}",
        f"{entry.n_open:,}{overdue}",
        ", ".join(lacking) or "–",
    )


def _beside(skill: float) -> str:
    """Say how errors compare with those of a baseline.

    Examples
    --------
    >>> _beside(0.152), _beside(-0.32), _beside(0.001)
    ('15 % less error', '32 % more error', 'the same error')
    """
    percent = f"{100 * abs(skill):.0f}"
    return "the same error" if percent == "0" else f"{percent} % {'less' if skill > 0 else 'more'} error"


def _stage(fact: Fact) -> str:
    return "none" if fact.value is None else str(fact.value)


def _declaration(declared: Declared | None) -> Html:
    if declared is None:
        words = (
            "No app declares this system any more: its purpose, owner and way to appeal are not known here."
        )
        return tag("p", words, class_="missing")
    parts = [
        tag(
            "section",
            tag("h3", name),
            _described("What it is for", declared.purpose.get(code)),
            _described("Whom it concerns", declared.affected.get(code)),
            _described("How to appeal", declared.appeal.get(code)),
            lang=code,
        )
        for code, name in LANGUAGES.items()
        if declared.purpose.get(code)
    ]
    facts = (
        ("Owner", declared.owner),
        ("Risk, as its owner classifies it", f"{declared.risk}: {declared.risk_why or 'no reason given'}"),
        ("The furthest it may go", declared.furthest),
        ("Code (digest)", declared.code_sha256 or "not given"),
    )
    lines = [joined([tag("dt", k), tag("dd", shown(v, 400))]) for k, v in facts]
    return tag("section", tag("h2", "What it is"), *parts, tag("dl", *lines))


def _described(name: str, text: str | None) -> Html | None:
    return tag("p", tag("b", f"{name}: "), shown(text, 2_000)) if text else None


def _facts(entry: Entry) -> Html:
    lines = [_fact(label, entry.facts[name]) for name, label in _FACTS if name in entry.facts]
    return tag("section", tag("h2", "What the log says"), tag("dl", *lines))


def _fact(label: str, fact: Fact) -> Html:
    proofs = " ".join(f"[{idx}]" for idx in fact.entries)
    mark = None if fact.standing == "known" else fact.standing
    words = "not known" if fact.value is None else _told(fact.value)
    note = f" ({fact.note})" if fact.note else ""
    flag = f"{mark.upper()}: " if mark else ""
    return joined([tag("dt", label), tag("dd", f"{flag}{words}{note} {proofs}".strip(), class_=mark)])


def _told(value: Any) -> str:
    """Write a fact's value in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_told(v)}" for k, v in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "; ".join(_told(v) for v in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else shown(str(value), 120)


def _skills(entry: Entry) -> list[Html]:
    if entry.skill.is_empty():
        return [tag("h2", "How well it does"), tag("p", "Nothing is scored yet.", class_="missing")]
    units = entry.declared.targets if entry.declared else {}
    targets = entry.skill["target"].unique().sort().to_list()
    return [tag("h2", "How well it does"), *(_skill(entry, str(t), units.get(str(t), "")) for t in targets)]


def _skill(entry: Entry, target: str, unit: str) -> Html:
    by_horizon = entry.skill.filter(pl.col("target") == target)
    by_day = entry.days.filter(pl.col("target") == target)
    name, unit = shown(target), unit_symbol(unit)
    models = _models(by_horizon)
    return tag(
        "section",
        tag("h3", f"{name}, {unit}" if unit else name),
        tag(
            "figure",
            tag("p", "Mean absolute error by horizon"),
            errors_plot(_curves(by_horizon, models), f"Mean absolute error of {name} by horizon", unit),
        ),
        tag(
            "figure", tag("p", "Mean absolute error by day, all horizons"), _daily(by_day, models, name, unit)
        ),
        tag("figure", tag("p", "Share of outcomes inside the intervals, by day"), _coverage(by_day, name)),
        _scores(by_horizon, name),
    )


def _models(rows: pl.DataFrame) -> list[str]:
    """Return the system and the three baselines with the least error."""
    known = rows.filter(pl.col("mae").is_not_null(), ~pl.col("model").is_in([OVERRIDE, OVERRIDDEN]))
    ranked = known.group_by("model").agg(pl.col("mae").mean()).sort("mae", "model")["model"].to_list()
    own = [OWN] if OWN in ranked else []
    return [*own, *(str(m) for m in ranked if m != OWN)][:4]


def _curves(rows: pl.DataFrame, models: Sequence[str]) -> list[Curve]:
    out = []
    for model in models:
        one = rows.filter(pl.col("model") == model, pl.col("mae").is_not_null()).sort("horizon_s")
        hours = one["horizon_s"].to_numpy() / 3600
        out.append(Curve(model_name(model), hours, one["mae"].to_numpy(), is_own=model == OWN))
    return out


def _daily(rows: pl.DataFrame, models: Sequence[str], name: str, unit: str) -> Html:
    known = rows.filter(pl.col("mae").is_not_null(), pl.col("model").is_in(models)).sort("day")
    if known.is_empty():
        return tag("p", "Nothing is scored yet.", class_="missing")
    highest = known["mae"].max()
    top = (float(highest) if isinstance(highest, int | float) else 0.0) * 1.08 or 1.0
    marks, key = [], []
    for i, model in enumerate(models):
        one = known.filter(pl.col("model") == model)
        class_ = f"err-{i}"
        marks.append(_line(_along(known, one), one["mae"].to_numpy() / top, class_))
        key.append((class_, model_name(model)))
    title = f"Mean absolute error of {name} by day, beside baselines"
    return tag("div", plot(marks, title, _ends(known), number_ticks(0, top), y_name=unit), legend(key))


def _coverage(rows: pl.DataFrame, name: str) -> Html:
    known = rows.filter(pl.col("model") == OWN, pl.col("coverage80").is_not_null()).sort("day")
    if known.is_empty():
        return tag("p", "No intervals are scored yet.", class_="missing")
    marks = [path(f"M0 {HEIGHT * (1 - level):.1f}H{WIDTH}", "bound") for level in (0.8, 0.95)]
    x = _along(known, known)
    marks += [_line(x, known[c].to_numpy(), k) for c, k in (("coverage80", "err-0"), ("coverage95", "err-2"))]
    shares: list[Tick] = [(0.0, "0 %"), (0.5, "50 %"), (0.8, "80 %"), (0.95, "95 %")]
    title = f"Share of outcomes of {name} inside the 80 and 95 % intervals, by day"
    key = legend((("err-0", "inside 80 %"), ("err-2", "inside 95 %"), ("dash", "as promised")))
    return tag("div", plot(marks, title, _ends(known), shares), key)


def _along(whole: pl.DataFrame, part: pl.DataFrame) -> Floats:
    """Return (n,) places from 0 to 1 of days in the span of all."""
    days = whole["day"].to_physical().to_numpy().astype(np.float64)
    out: Floats = (part["day"].to_physical().to_numpy() - days[0]) / max(days[-1] - days[0], 1.0)
    return out


def _ends(known: pl.DataFrame) -> list[Tick]:
    first, last = str(known["day"][0]), str(known["day"][-1])
    return [(0.0, first)] if first == last else [(0.0, first), (1.0, last)]


def _line(x: Floats, y: Floats, class_: str) -> Html:
    points = [f"{WIDTH * a:.1f} {HEIGHT * (1 - min(b, 1.0)):.1f}" for a, b in zip(x, y, strict=True)]
    return path("M" + "L".join(points), class_) if len(points) > 1 else dots(x, y, "points")


def _scores(rows: pl.DataFrame, name: str) -> Html:
    heads = ("model", "horizon", "n", "MAE", "CRPS", "in 80 %", "in 95 %", "skill")
    lines: list[tuple[Html | str, ...]] = [
        (
            model_name(str(r["model"])),
            f"{r['horizon_s'] / 3600:g} h",
            f"{r['n']:,}",
            score_cell(r["mae"]),
            score_cell(r["crps"]),
            share_cell(r["coverage80"]),
            share_cell(r["coverage95"]),
            share_cell(r["skill_mae"]),
        )
        for r in key_horizons(rows).sort("horizon_s", "model").head(MOST_LINES).iter_rows(named=True)
    ]
    left = rows.height - len(lines)
    caption = f"Scores of {name}" + (f"; the JSON has {left:,} lines more" if left else "")
    return rows_table(caption, heads, lines)


def _incidents(entry: Entry) -> Html:
    days = "; ".join(f"{name}: {rule.days} days, {rule.why}" for name, rule in DEADLINES.items())
    heads = ("incident", "severity", "state", "opened", "due", "what", "last word", "proofs")
    rows: list[tuple[Html | str, ...]] = [_incident(one) for one in entry.incidents[:MOST_LINES]]
    table = rows_table("Incidents", heads, rows, words=range(8)) if rows else tag("p", "None was reported.")
    rule = tag("p", f"To be closed within, counted from the opening: {days}.", class_="soft")
    return tag("section", tag("h2", "Incidents"), table, _left(len(entry.incidents)), rule)


def _incident(one: IncidentLine) -> tuple[Html | str, ...]:
    late = "closed late" if one.state == "closed" else "OVERDUE"
    state = tag("span", late, class_="overdue") if one.overdue else one.state
    proofs = " ".join(f"[{idx}]" for idx in one.entries)
    return (
        shown(one.name),
        one.severity,
        state,
        one.opened_at[:16],
        one.due[:16],
        shown(one.what, 300),
        "–" if len(one.entries) == 1 else shown(one.last, 300),
        proofs,
    )


def _overrides(entry: Entry) -> Html:
    heads = ("at", "decision", "by", "why", "in its place", "proof")
    rows: list[tuple[Html | str, ...]] = [
        (
            o.at[:16],
            f"run {o.run} record {o.record}",
            shown(o.by),
            shown(o.why, 300),
            shown(o.value, 200),
            f"[{o.entry}]",
        )
        for o in entry.overrides[:MOST_LINES]
    ]
    table = (
        rows_table("Overrides", heads, rows, words=range(6))
        if rows
        else tag("p", "No decision was overridden.")
    )
    return tag("section", tag("h2", "Decisions that persons replaced"), table, _left(len(entry.overrides)))


def _left(n: int) -> Html | None:
    words = f"The newest {MOST_LINES:,} of {n:,}; the JSON has all."
    return tag("p", words, class_="soft") if n > MOST_LINES else None
