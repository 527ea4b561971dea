"""The report of a battery: about which model and data, each test and its verdict, as canonical JSON.

The digest of that JSON names the report. What depends on the machine (seconds, memory) is no part of it: it
goes in ``resources``, beside the report, so that the same model, data, policy and
seed give the same report again.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast, get_args

from veracity.canonical import canonical_json
from veracity.models.assurance.errors import MalformedReport
from veracity.models.assurance.judging import Result, lacking, tally, whole_verdict
from veracity.models.assurance.policy import Held, Mark
from veracity.models.assurance.result import Kind, Number, Verdict
from veracity.provenance.fields import Fields
from veracity.provenance.statements.words import STAGES, Stage
from veracity.provenance.statements.words import Verdict as Whole
from veracity.provenance.strictjson import parse_json

SCHEMA = "veracity.assurance/v1"
REPORT_BYTES = 8_388_608
MAX_TESTS = 256
MAX_NUMBERS = 20_000


@dataclass(frozen=True)
class About:
    """What was tested, on what, with what.

    Attributes
    ----------
    model, model_sha256, system
        The model, and the app that it is for.
    stage
        The furthest that the app may go: the verdict in the log is for that.
    definition_sha256, rows_sha256, n_rows, inputs, as_of
        The panel: definition, digest of its rows, snapshots by feed (``[batch, digest]``), time of knowledge.
    start, end, trained_to
        The test period (UTC), and the last time of the training's rows.
    engine, code_sha256
        Libraries that decide its digits; the digest of the app's source.
    """

    model: str = ""
    model_sha256: str = ""
    system: str = ""
    stage: Stage = "act"
    definition_sha256: str = ""
    rows_sha256: str = ""
    n_rows: int = 0
    inputs: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    as_of: str = ""
    start: str = ""
    end: str = ""
    trained_to: str = ""
    engine: str = ""
    code_sha256: str = ""
    simulated: bool = False

    def to_object(self) -> dict[str, Any]:
        """Return the JSON object."""
        inputs = {feed: list(pair) for feed, pair in sorted(self.inputs.items())}
        return {**self.__dict__, "inputs": inputs}

    @classmethod
    def read(cls, fields: Fields) -> "About":
        """Read the JSON object."""
        texts = {
            name: fields.text(name, 300, empty=True)
            for name, one in cls.__dataclass_fields__.items()
            if one.type is str
        }
        stage = cast(Stage, fields.choice("stage", STAGES))
        pairs = fields.take("inputs")
        if not isinstance(pairs, dict) or not all(
            isinstance(p, list) and len(p) == 2 for p in pairs.values()
        ):
            raise fields.fail("inputs", "a batch and a digest by feed", pairs)
        inputs = {str(feed): (int(p[0]), str(p[1])) for feed, p in pairs.items()}
        about = cls(
            **texts,
            stage=stage,
            n_rows=fields.count("n_rows"),
            inputs=inputs,
            simulated=fields.flag("simulated"),
        )
        fields.done()
        return about


@dataclass(frozen=True)
class Report:
    """What a battery found of a model.

    Attributes
    ----------
    policy
        Its name, version, digest and reason.
    resources
        Numbers that depend on the machine, by test; no part of the digest.
    """

    kind: Kind
    about: About
    policy: Mapping[str, str]
    seed: int
    results: tuple[Result, ...]
    resources: Mapping[str, tuple[Number, ...]] = field(default_factory=dict, compare=False)

    @property
    def tally(self) -> Mapping[Verdict, int]:
        """How many tests passed, failed and were not tested."""
        return tally(self.results)

    def verdict(self, stage: Stage) -> Whole:
        """Return the verdict for a stage."""
        return whole_verdict(self.results, stage)

    def result(self, name: str) -> Result:
        """Return one test's result; MalformedReport if there is none of that name."""
        for one in self.results:
            if one.name == name:
                return one
        raise MalformedReport(f"report: want a test {name!r}, got {', '.join(r.name for r in self.results)}")

    def to_document(self) -> dict[str, Any]:
        """Return the report as plain JSON, all that its digest covers."""
        stages = {
            stage: {"verdict": self.verdict(stage), "lacking": lacking(self.results, stage)}
            for stage in STAGES
        }
        return {
            "schema": SCHEMA,
            "kind": self.kind,
            "about": self.about.to_object(),
            "policy": dict(self.policy),
            "seed": self.seed,
            "tally": dict(self.tally),
            "stages": stages,
            "tests": [r.to_object() for r in self.results],
        }

    def to_json(self) -> bytes:
        """Return the canonical JSON that the digest is of."""
        return self._text

    @cached_property
    def _text(self) -> bytes:
        return canonical_json(self.to_document())

    @cached_property
    def sha256(self) -> str:
        """The digest that names the report."""
        return hashlib.sha256(self.to_json()).hexdigest()

    def resources_json(self) -> bytes:
        """Return what depends on the machine, as canonical JSON."""
        found = {name: [n.to_object() for n in numbers] for name, numbers in sorted(self.resources.items())}
        return canonical_json(
            {"schema": "veracity.assurance-resources/v1", "report": self.sha256, "tests": found}
        )


def parse_report(body: bytes) -> Report:
    """Read a report; MalformedReport unless it is one, and sums and verdicts are what its tests say."""
    document = parse_json(body, "report", REPORT_BYTES, MalformedReport)
    fields = Fields(document, "report", MalformedReport)
    fields.choice("schema", (SCHEMA,))
    policy = fields.take("policy")
    if not isinstance(policy, dict) or not all(isinstance(v, str) for v in policy.values()):
        raise fields.fail("policy", "texts by name", policy)
    report = Report(
        kind=cast(Kind, fields.choice("kind", get_args(Kind))),
        about=About.read(fields.object("about")),
        policy=policy,
        seed=fields.count("seed"),
        results=tuple(_result(item) for item in fields.objects("tests", MAX_TESTS)),
    )
    for name in ("tally", "stages"):
        fields.take(name)
    fields.done()
    if report.to_json() != canonical_json(document):
        raise MalformedReport("report: want sums and verdicts that its own tests give, got others")
    return report


def _result(fields: Fields) -> Result:
    marks = fields.take("marks")
    if not isinstance(marks, dict):
        raise fields.fail("marks", "marks by number", marks)
    result = Result(
        name=fields.text("name", 64),
        family=fields.text("family", 64),
        asks=fields.text("asks"),
        why=fields.text("why"),
        mark_why=fields.text("mark_why", empty=True),
        marks=tuple(_mark(name, Fields(m, "report.marks", MalformedReport)) for name, m in marks.items()),
        required=tuple(str(s) for s in fields.items("required", 2)),
        verdict=cast(Verdict, fields.choice("verdict", get_args(Verdict))),
        reason=fields.text("reason", empty=True),
        numbers=tuple(_number(item) for item in fields.objects("numbers", MAX_NUMBERS)),
        notes=tuple(str(n) for n in fields.items("notes", 64)),
        measured=fields.flag("measured"),
    )
    fields.done()
    return result


def _mark(name: str, fields: Fields) -> Mark:
    bounds = [fields.optional(b, lambda n: _float(fields, n)) for b in ("at_least", "at_most")]
    mark = Mark(name, bounds[0], bounds[1], cast(Held, fields.choice("hold", get_args(Held))))
    fields.done()
    return mark


def _number(fields: Fields) -> Number:
    value, low, high = (fields.optional(n, lambda n: _float(fields, n)) for n in ("value", "low", "high"))
    of = fields.take("of")
    if not isinstance(of, dict) or not all(isinstance(v, str) for v in of.values()):
        raise fields.fail("of", "texts by name", of)
    number = Number(
        name=fields.text("name", 64),
        value=float("nan") if value is None else value,
        low=low,
        high=high,
        n=fields.optional("n", fields.count),
        of=of,
        judged=fields.flag("judged"),
    )
    fields.done()
    return number


def _float(fields: Fields, name: str) -> float:
    value = fields.take(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise fields.fail(name, "a number", value)
    return float(value)
