"""A report on a model audited: it is the one that was signed, sums up right, and comes out again.

What is cheap is always looked at. The battery itself is run again only on demand, as it takes as long as it
took the first time.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from veracity.data.panel_definition import parse_panel
from veracity.errors import VeracityError
from veracity.home.clock import parse_time
from veracity.home.home import Home
from veracity.home.models.engine import engine_line
from veracity.home.models.gate_checks import kept, policy_path, report_path
from veracity.home.models.said import read_said
from veracity.home.models.trial import put_to_test, statement
from veracity.home.panel_audit import check_panel
from veracity.home.panels import panel_path
from veracity.home.table_audit import UNREADABLE, Found, one_line
from veracity.models.app import App
from veracity.models.assurance import result as results
from veracity.models.assurance.battery import BATTERIES, KNOWN
from veracity.models.assurance.judging import verdict_of
from veracity.models.assurance.policy import Policy, parse_policy
from veracity.models.assurance.report import Report, parse_report
from veracity.provenance.statements import Assure, Train, Transform

FindApp = Callable[[str], App]


def audit_assurance(home: Home, feeds: Sequence[str] | None = None) -> tuple[int, tuple[Found, ...]]:
    """Audit every report, or those on models of some feeds; return how many, and what is not as said."""
    found: list[Found] = []
    n = 0
    for idx, p in home.index.predicates("assure"):
        if feeds is not None and not {i["feed"] for i in p["inputs"]} & set(feeds):
            continue
        n += 1
        where = f"report on {p['name']} (log entry {idx})"
        try:
            found += [(where, *one) for one in check_assurance(home, read_said(home, idx, Assure), idx)]
        except UNREADABLE as exc:
            found.append((where, "report", one_line(exc)))
    return n, tuple(found)


def check_assurance(home: Home, stated: Assure, idx: int) -> Iterator[tuple[str, str]]:
    """Yield (what, detail) of all that is not as log entry ``idx`` says, short of a new run."""
    definition = parse_panel(home.objects.get(panel_path(stated.definition_sha256)))
    report = parse_report(kept(home, "report", report_path(stated.report_sha256), stated.report_sha256))
    about = report.about
    as_panel = Transform(
        name=definition.name,
        definition_sha256=stated.definition_sha256,
        inputs=stated.inputs,
        output=stated.rows,
        simulated=stated.simulated,
        as_of=about.as_of or None,
    )
    yield from check_panel(home, as_panel, idx)
    policy = kept(home, "policy", policy_path(stated.policy_sha256), stated.policy_sha256)
    marks = parse_policy(policy, KNOWN)
    for name, want, got in _facts(stated, report):
        if want != got:
            yield "report", f"{name}: want {want}, as the statement says, got {got}"[:300]
    for detail in _judged_again(report, marks):
        yield "report", detail
    said = [i for i, p in home.index.predicates("train") if p["model"] == stated.model_sha256 and i < idx]
    if not said:
        yield "statement", f"model {stated.model_sha256[:16]}: want one trained before, got none"


def check_again(home: Home, app: App | None, stated: Assure) -> Iterator[tuple[str, str]]:
    """Run the battery again on the same rows and yield (what, detail) of all that comes out otherwise.

    With other libraries than then, digits may differ: verdicts are compared, and numbers are not.
    """
    report = parse_report(kept(home, "report", report_path(stated.report_sha256), stated.report_sha256))
    policy = kept(home, "policy", policy_path(stated.policy_sha256), stated.policy_sha256)
    (entry, *_) = [i for i, p in home.index.predicates("train") if p["model"] == stated.model_sha256]
    train, about = read_said(home, entry, Train), report.about
    start, end = (parse_time(name, text) for name, text in (("start", about.start), ("end", about.end)))
    try:
        again, tested = put_to_test(
            home,
            app,
            train,
            policy,
            stated.inputs,
            stated.seed,
            (start, end),
            as_of=parse_time("as_of", about.as_of) if about.as_of else None,
        )
    except VeracityError as exc:
        yield "run again", one_line(exc)
        return
    if about.code_sha256 != again.about.code_sha256:
        yield "run again", "code: want the source that the report names, got another"
    same_engine = about.engine == engine_line()
    if same_engine and statement(train, again, tested, stated.assured_at) == stated:
        return
    for one, other in zip(report.results, again.results, strict=False):
        if one.measured:
            continue  # depends on the machine
        if one.verdict != other.verdict:
            yield "run again", f"{one.name}: want {one.verdict}, got {other.verdict}: {other.reason}"[:300]
        elif same_engine and one.to_object() != other.to_object():
            yield "run again", f"{one.name}: want the numbers that were signed, got others"


def _judged_again(report: Report, policy: Policy) -> Iterator[str]:
    """Yield what the policy says otherwise of a report's tests: which there are, their marks and verdicts."""
    done = {r.name: r for r in report.results}
    for test in BATTERIES[report.kind]:
        demand, result = policy.tests.get(test.name), done.get(test.name)
        if demand is not None and result is None:
            yield f"{test.name}: want this test, which the policy names, got none"
        if result is None:
            continue
        if (result.marks, result.required) != ((demand.marks, demand.required) if demand else ((), ())):
            yield f"{result.name}: want the marks of its policy and the stages that require it, got others"
        elif result.verdict == "passed" and not result.measured:
            verdict, why = verdict_of(results.Found(result.numbers), demand)
            if verdict != "passed":
                yield f"{result.name}: want {verdict} by its own numbers ({why}), got passed"[:300]


def _facts(stated: Assure, report: Report) -> list[tuple[str, Any, Any]]:
    about, tally = report.about, report.tally
    inputs = {i.feed: (i.up_to_batch, i.sha256) for i in stated.inputs}
    return [
        ("model", stated.model_sha256, about.model_sha256),
        ("name", stated.name, about.model),
        ("policy", stated.policy_sha256, report.policy.get("sha256")),
        ("definition", stated.definition_sha256, about.definition_sha256),
        ("rows", (stated.rows.sha256, stated.rows.rows), (about.rows_sha256, about.n_rows)),
        ("inputs", inputs, dict(about.inputs)),
        ("seed", stated.seed, report.seed),
        ("engine", stated.engine, about.engine),
        ("simulated", stated.simulated, about.simulated),
        ("verdict", stated.verdict, report.verdict(about.stage)),
        *((v, getattr(stated, v), tally[v]) for v in ("passed", "failed", "untested")),
    ]
