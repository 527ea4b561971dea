"""The result of tests as AI Verify takes it in: JSON of its published schema of test results.

The schema knows models of classification and of regression; a forecaster is told as regression, by its
median. Its quantiles, scores and verdicts are in ``output``, which the schema leaves to the maker of a test.

References
----------
aiverify-foundation/aiverify: ``aiverify.testresult.schema.json`` of its test engine.
"""

from typing import Any

from veracity.canonical import canonical_json
from veracity.models.dossier.dossier import Dossier
from veracity.models.dossier.errors import NothingToExport
from veracity.models.facts import ReportKnown, TestKnown

GID = "veracity.assurance"
CID = "forecaster-battery"
VERSION = "1.0.0"


def result(dossier: Dossier, seconds: float | None = None) -> dict[str, Any]:
    """Return the last report on a model as one test result.

    Parameters
    ----------
    dossier
        Of the framework ``aiverify``: the evidence by principle goes with the result.
    seconds
        How long the tests took, where that is known. The schema wants a number: where it is not known, 0 is
        given and ``output.time_taken_known`` says so.

    Raises
    ------
    NothingToExport
        If there is no report on the model.
    """
    known = dossier.known
    report = known.report
    if report is None or not report.tests:
        raise NothingToExport(
            "aiverify: want an assurance report on the model, got none: veracity model assure"
        )
    it = report.said.it
    return {
        "gid": GID,
        "cid": CID,
        "version": VERSION,
        "startTime": it.assured_at,
        "timeTaken": 0.0 if seconds is None else float(seconds),
        "testArguments": {
            "testDataset": f"urn:veracity:rows:{it.rows.sha256}",
            "mode": "upload",
            "modelType": "regression",
            "groundTruthDataset": f"urn:veracity:rows:{it.rows.sha256}",
            "groundTruth": ", ".join(sorted(known.app.targets)),
            "algorithmArgs": {"seed": it.seed, "policy": f"sha256:{it.policy_sha256}", "engine": it.engine},
            "modelFile": f"urn:veracity:model:{it.model_sha256}",
        },
        "output": _output(dossier, report, known_time=seconds is not None),
        "artifacts": [],
    }


def format_result(dossier: Dossier, seconds: float | None = None) -> bytes:
    """Write the result as canonical JSON."""
    return canonical_json(result(dossier, seconds))


def _output(dossier: Dossier, report: ReportKnown, *, known_time: bool) -> dict[str, Any]:
    known, it = dossier.known, report.said.it
    return {
        "system": known.system,
        "simulated": known.simulated,
        "verdict": it.verdict,
        "counts": {"passed": it.passed, "failed": it.failed, "untested": it.untested},
        "report": f"sha256:{it.report_sha256}",
        "log": {"origin": known.origin, "entry": report.said.idx},
        "time_taken_known": known_time,
        "told_as_regression": "a probabilistic forecaster; regression is of its median",
        "tests": [_test(t) for t in report.tests],
        "principles": [
            {
                "principle": a.requirement.id,
                "process_checks": a.requirement.checks,
                "answered_by_a_person": a.person is not None,
                "evidence": [p.text("en") for p in a.points],
            }
            for a in dossier.answers
        ],
    }


def _test(t: TestKnown) -> dict[str, Any]:
    return {
        "name": t.name,
        "family": t.family,
        "verdict": t.verdict,
        "reason": t.reason,
        "numbers": [dict(n) for n in t.numbers],
    }
