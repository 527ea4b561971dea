"""Write the receipt vectors: ``python tests/vectors/make_receipts.py``. Same keys, same bytes.

``receipts/index.json`` lists receipts that verify, receipts of logs that hold a lie, and edits
(JSON Patch, RFC 6902) of a good receipt, each with the error's code and, where it is
``receipt-rejected``, the step that must fail. ``time-stamps/`` holds what no script can make twice: an
answer of a throwaway authority (``openssl ts``) over the checkpoint of ``valid-ndjson.json``.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "provenance"))

from access_world import BY_AN_AGENCY, AccessWorld  # noqa: E402
from decision_world import SystemWorld  # noqa: E402
from live_world import LiveLies, LiveWorld  # noqa: E402
from receipt_edits import edits, edits_of_decision, edits_of_message, edits_of_second, edits_with_message  # noqa: E402
from receipt_lies import DECISION_LIES, DECISIONS, HONEST, KEY_LIES, LIES, LIVE, LIVE_LIES  # noqa: E402
from receipt_world import POLICY, World  # noqa: E402

from veracity.log.policy import format_policy  # noqa: E402
from veracity.provenance.receipts import format_receipt  # noqa: E402

SCHEMA = "veracity.receipt-vectors/v1"


def vectors() -> dict[str, bytes]:
    """Return every file of the vectors by name."""
    ndjson, csv = World("ndjson"), World("csv")
    good = ndjson.receipt(1, 5)
    valid = {
        "valid-ndjson.json": good,
        "valid-ndjson-first-part.json": ndjson.receipt(0, 127),
        "valid-csv.json": csv.receipt(0, 3),
        "valid-csv-quoted.json": replace(csv.receipt(0, 70), row=None),
        "valid-quarantined.json": replace(ndjson.receipt(1, 0), row=None),
        "valid-enrol.json": ndjson.statement_receipt(0),
        "valid-transform.json": ndjson.statement_receipt(ndjson.transform_index),
    }
    valid |= {f"valid-{name}.json": World("ndjson", lies).receipt(1, 5) for name, lies in HONEST.items()}
    system = SystemWorld()
    valid |= {f"valid-{name}.json": SystemWorld(lies).receipt(4) for name, lies in DECISIONS.items()}
    valid |= {
        "valid-v3-decision-on-the-last-page.json": system.receipt(69),
        "valid-v3-run.json": replace(system.receipt(4), record=None),
        "valid-run.json": system.statement_receipt(system.decide_at),
        "valid-release.json": system.statement_receipt(system.release_at),
        "valid-officer.json": system.statement_receipt(system.officer_at),
    }
    valid |= {f"valid-{name}.json": system.statement_receipt(index) for name, index in system.others.items()}
    valid |= {f"valid-{name}.json": LiveWorld(lies).receipt(n) for name, (lies, n) in LIVE.items()}
    live, quiet = LiveWorld(), LiveWorld(LiveLies(sent=()))
    valid |= {
        "valid-live-batch.json": live.statement_receipt(live.ingest_at),
        "valid-live-batch-of-nothing.json": quiet.statement_receipt(quiet.ingest_at),
        "valid-account.json": live.statement_receipt(live.account_at),
    }
    valid |= {f"valid-access-{name}.json": receipt for name, receipt in AccessWorld().receipts().items()}
    second, fourth = "valid-v2-revoked-later.json", "valid-v4-live-array.json"
    lies = {
        f"lie-{name}.json": (World("ndjson", lies).receipt(1, 5), step) for name, (lies, step) in LIES.items()
    }
    lies |= {
        f"lie-{name}.json": (World("ndjson", lies).receipt(1, 5), step)
        for name, (lies, step) in KEY_LIES.items()
    }
    for name, (planted, step) in DECISION_LIES.items():
        lies[f"lie-{name}.json"] = SystemWorld(planted).receipt(4), step
    for name, (untrue, step) in LIVE_LIES.items():
        lies[f"lie-{name}.json"] = LiveWorld(untrue).receipt(0), step
    lies["lie-account-with-a-message.json"] = (
        replace(live.receipt(0), stated=live.world.prove(live.account_at)),
        "statement",
    )
    lies["lie-decision-shown-without-its-release.json"] = replace(system.receipt(4), release=None), "release"
    unreleased = SystemWorld(DECISIONS["decision-without-a-release"])
    more = replace(unreleased.receipt(4), release=unreleased.world.prove(unreleased.release_at))
    lies["lie-release-of-a-run-that-names-none.json"] = more, "release"
    lies["lie-release-of-a-release.json"] = (
        replace(system.statement_receipt(system.release_at), release=system.world.prove(system.release_at)),
        "statement",
    )
    for name, receipt in BY_AN_AGENCY.receipts().items():
        if name in ("grant", "writes"):
            lies[f"lie-access-{name}-by-an-agency.json"] = receipt, "signature"
    for name in ("override", "incident-closed"):
        bare = system.statement_receipt(system.others[name])
        lies[f"lie-{name}-without-the-officer.json"] = replace(bare, keys=bare.keys[:1]), "approval"
    taken_back = World("ndjson", KEY_LIES["v2-agency-revoked-before-its-device"][0])
    lies["lie-v2-enrolment-taken-back.json"] = taken_back.statement_receipt(3), "revocations"
    roots = (HERE / "time-stamps" / "tsa-roots.pem").read_bytes()
    stamp = (HERE / "time-stamps" / "valid-ndjson.tsr").read_bytes()
    valid["valid-v2-time-stamp.json"] = stamped = replace(good, time_stamps=(stamp,))
    elsewhere = replace(valid[second], time_stamps=(stamp,))
    index = {
        "schema": SCHEMA,
        "policy": "trust.policy",
        "valid": sorted(valid),
        "lies": [
            {"file": name, "code": "receipt-rejected", "step": step} for name, (_, step) in lies.items()
        ],
        "edits": [
            *(edit.to_object("valid-ndjson.json") for edit in edits(ndjson, good)),
            *(edit.to_object(second) for edit in edits_of_second(valid[second])),
            *(
                edit.to_object("valid-v3-decision.json")
                for edit in edits_of_decision(system, valid["valid-v3-decision.json"])
            ),
            *(edit.to_object(fourth) for edit in edits_of_message(live, valid[fourth])),
            *(
                edit.to_object("valid-ndjson.json")
                for edit in edits_with_message(json.loads(format_receipt(valid[fourth]))["message"])
            ),
        ],
        # For verifiers that look at time stamps, with these roots. Others see only that they are there.
        "time_stamps": {
            "roots": "tsa-roots.pem",
            "valid": ["valid-v2-time-stamp.json"],
            "lies": [
                {
                    "file": "stamp-of-another-checkpoint.json",
                    "code": "receipt-rejected",
                    "step": "time_stamps",
                },
                {"file": "stamp-of-nothing.json", "code": "receipt-rejected", "step": "time_stamps"},
            ],
        },
    }
    files = {name: format_receipt(receipt) for name, receipt in valid.items()}
    files |= {name: format_receipt(receipt) for name, (receipt, _) in lies.items()}
    files["stamp-of-another-checkpoint.json"] = format_receipt(elsewhere)
    files["stamp-of-nothing.json"] = format_receipt(replace(stamped, time_stamps=(b"0\x00",)))
    files["tsa-roots.pem"] = roots
    files["index.json"] = json.dumps(index, ensure_ascii=False, indent=1).encode() + b"\n"
    files["trust.policy"] = format_policy(POLICY).encode()
    return files


if __name__ == "__main__":
    for name, data in vectors().items():
        (HERE / "receipts" / name).write_bytes(data)
