"""The page of an assurance report, for people: the verdict, pictures of what counts most, every test.

One file of HTML without scripts or anything to load, at most ``PAGE_BYTES``. The same report gives the same
bytes. No meaning hangs on colour alone.
"""

from collections.abc import Sequence

from veracity.models.assurance.judging import Result, lacking
from veracity.models.assurance.report import Report
from veracity.models.assurance.result import Number
from veracity.pages.assurance_pictures import pictures
from veracity.pages.document import document
from veracity.pages.html import Html, fitting, joined, shown, tag
from veracity.pages.scale import number
from veracity.provenance.statements.words import Stage

PAGE_BYTES = 1_000_000
_TESTS_BYTES = 600_000
_NUMBERS = 60  # of one test, in its table
_STAGES: tuple[Stage, ...] = ("advise", "act")


def assurance_page(report: Report) -> bytes:
    """Return the page as UTF-8, at most ``PAGE_BYTES``."""
    title = f"Assurance of {shown(report.about.model, 64)}"
    tests = fitting([_test(r, report.resources.get(r.name)) for r in report.results], _TESTS_BYTES)
    left_out = len(report.results) - len(tests)
    sections = [
        _section("verdicts", "Every test and its verdict", _overview(report)),
        _section("pictures", "In pictures", pictures(report)),
        _section("tests", "Test by test", joined(tests)),
        tag("p", f"and {left_out} more tests, in the table above", class_="soft") if left_out else None,
    ]
    page = document(title, tag("h1", title), _head(report), *sections)
    assert len(page) <= PAGE_BYTES, "the sections keep to their bytes"
    return page


def _section(name: str, title: str, content: Html) -> Html:
    return tag("section", tag("h2", title, id=name), content, aria_labelledby=name)


def _head(report: Report) -> Html:
    about, tally = report.about, report.tally
    policy = " ".join(report.policy.get(name, "") for name in ("name", "version", "sha256"))
    facts = [
        ("Model", f"{about.model}, SHA-256 {about.model_sha256}"),
        ("Report", f"SHA-256 {report.sha256}"),
        ("Policy", f"{policy}: {report.policy.get('why', '')}"),
        ("Learned from times to", about.trained_to),
        ("Tested on", f"{about.start} to {about.end}, none of which it learned from"),
        ("Panel", f"{about.n_rows:,} rows, SHA-256 {about.rows_sha256}"),
        ("Made with", f"{about.engine}; seed {report.seed}"),
    ]
    counts = ", ".join(f"{n} {v}" for v, n in tally.items())
    verdict = f"Of {sum(tally.values())} tests: {counts}. Untested are also those that no mark is set for."
    stages = [tag("p", _of_stage(report, s), class_=_verdict_class(report, s)) for s in _STAGES]
    return joined(
        [
            tag("p", tag("span", "SIMULATED DATA", class_="sim")) if about.simulated else None,
            tag("p", verdict),
            *stages,
            tag("dl", *(part for name, value in facts for part in (tag("dt", name), tag("dd", value)))),
        ]
    )


def _verdict_class(report: Report, stage: Stage) -> str:
    return "verdict" if report.verdict(stage) == "passed" else "verdict no"


def _of_stage(report: Report, stage: Stage) -> str:
    verdict, missing = report.verdict(stage), lacking(report.results, stage)
    failed = [r.name for r in report.results if r.verdict == "failed"]
    if verdict == "passed":
        return f"To {stage}: passed. Each test that the policy requires for it passed, and none failed."
    if verdict == "failed":
        return f"To {stage}: failed: {', '.join(failed)}."
    return f"To {stage}: incomplete: {', '.join(missing)} not passed."


def _overview(report: Report) -> Html:
    heads = [tag("th", name, scope="col") for name in ("test", "verdict", "what it asks", "why so")]
    rows = [
        tag(
            "tr",
            tag("th", tag("a", r.name, href=f"#{r.name}"), scope="row"),
            tag("td", tag("b", r.verdict), data_of="verdict"),
            tag("td", r.asks, data_of="asks"),
            tag("td", shown(r.reason, 400), data_of="reason"),
        )
        for r in report.results
    ]
    table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_="rules")
    return tag("div", table, class_="wide")


def _test(result: Result, measured: Sequence[Number] | None) -> Html:
    marks = "; ".join(m.words for m in result.marks) or "none: its numbers are only told"
    numbers = measured if measured is not None else result.numbers
    required = f" Required to {' and to '.join(result.required)}." if result.required else ""
    return tag(
        "div",
        tag("h3", f"{result.name}: {result.verdict}", id=result.name),
        tag("p", result.asks),
        tag("p", result.why, class_="soft"),
        tag("p", f"Mark: {marks}.{required} {result.mark_why}"),
        tag("p", shown(result.reason, 1_000)),
        *(tag("p", shown(note, 400), class_="soft") for note in result.notes),
        _numbers(numbers) if numbers else None,
    )


def _numbers(numbers: Sequence[Number]) -> Html:
    heads = ("number", "of", "value", "from", "to", "cases")
    rows = [
        tag(
            "tr",
            tag("td", n.name + ("" if n.judged else " (told, not judged)")),
            tag("td", ", ".join(f"{k} {v}" for k, v in n.of.items())),
            *(tag("td", "" if v is None else number(v), class_="num") for v in (n.value, n.low, n.high)),
            tag("td", "" if n.n is None else f"{n.n:,}", class_="num"),
        )
        for n in numbers[:_NUMBERS]
    ]
    more = len(numbers) - len(rows)
    caption = tag("caption", f"and {more:,} more in the report itself") if more else None
    head = tag("thead", tag("tr", *(tag("th", h, scope="col") for h in heads)))
    return tag("div", tag("table", caption, head, tag("tbody", *rows)), class_="wide")
