"""Claim: a monitor checks thousands of new entries a CPU-second, in memory that does not grow with the log.

Signed ``ingest`` statements of one feed (about 2 kB each), every one its own file: first the whole
log in one round, then one more entry in a round of its own, then a round with nothing new. The
simplest baseline, reading and hashing the same entries against the root, is in the table.

    python benchmarks/monitor.py [--entries N]
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from measure import cost, in_process, peak_mb, report, workspace
from veracity.log.append import Log
from veracity.log.notes import Signer
from veracity.log.policy import policy_for
from veracity.log.reader import LogReader
from veracity.monitor.monitor import Monitor
from veracity.monitor.state import StateFile
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.keys import SigningKey
from veracity.provenance.statements import (
    Checks,
    Counts,
    Enrol,
    Evidence,
    FileDigest,
    Ingest,
    Part,
    ReceivedFile,
    SealedContract,
    Statement,
    TableVersion,
    format_statement,
)
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects

SIGNER = Signer("bench.example/simulated", bytes(32))
OPERATOR = SigningKey(sha256(b"operator").digest())
CONTRACT = SealedContract("rain", "1.0.0", "ab" * 32, None, "optional", True)


def said(statement: Statement) -> bytes:
    """An entry of the operator's."""
    return sign_envelope(format_statement(statement), [OPERATOR])


def batch(n: int) -> Ingest:
    """Batch ``n``: ten thousand records that were all accepted."""
    digest = sha256(b"%d" % n).hexdigest()
    return Ingest(
        feed="rain",
        batch=n,
        received_at=datetime.fromtimestamp(1_800_000_000 + n, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        contract_sha256=CONTRACT.sha256,
        file=ReceivedFile(FileDigest(f"{n}.csv", digest, 400_000), "csv"),
        part=Part(0, 0, 10_000, True),
        evidence=Evidence(digest, 157, 64, "received"),
        counts=Counts(10_000, 10_000, 0, 0),
        engine="bench",
        simulated=True,
        table=TableVersion(10_000, n + 1, digest),
        checks=Checks("cd" * 32, digest_before(n), digest),
    )


def digest_before(n: int) -> str | None:
    """What the rules remembered before batch ``n``."""
    return sha256(b"%d" % (n - 1)).hexdigest() if n else None


def case(n: int) -> list[dict[str, object]]:
    """Make the log, then follow it."""
    rows: list[dict[str, object]] = []
    with workspace() as folder:
        log = Log.open(
            LocalObjects(folder / "log", durable=False), SqlLogState(Database(folder / "log.db")), SIGNER
        )
        log.append([said(Enrol("enrol", "operator", "operator", OPERATOR.public).to_statement())])
        log.append([said(replace(CONTRACT).to_statement())])
        for first in range(0, n, 4_096):
            log.append([said(batch(i).to_statement()) for i in range(first, min(first + 4_096, n))])
        objects = LocalObjects(folder / "log", read_only=True)
        reader = LogReader.open(objects, SIGNER.verifier)
        rows.append(row("read and hash", n, lambda: sum(1 for _ in reader.entries())))
        rows.append(row("first round", n, lambda: followed(folder)))
        rows[-1]["memory_kb"] = (folder / "state.json").stat().st_size // 1024
        log.append([said(batch(n).to_statement())])
        rows.append(row("one new entry", 1, lambda: followed(folder)))
        rows.append(row("nothing new", 1, lambda: followed(folder)))
    return rows


def followed(folder: Path) -> int:
    """One round by a monitor that was just started."""
    watching = Monitor(
        str(folder / "log"), policy_for(SIGNER.verifier), StateFile(folder / "state.json"), evidence=folder
    )
    made = watching.round()
    assert made.is_well, made.findings
    return made.n_new


def row(name: str, n: int, work: Callable[[], int]) -> dict[str, object]:
    """Measure one case."""
    with cost() as c:
        work()
    per_s, per_cpu_s = round(n / c.wall_s), round(n / max(c.cpu_s, 1e-9))
    wall_ms = round(c.wall_s * 1000)
    return {
        "case": name,
        "entries": n,
        "wall_ms": wall_ms,
        "per_s": per_s,
        "per_cpu_s": per_cpu_s,
        "peak_mb": peak_mb(),
    }


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--case", type=int)
    options = parser.parse_args()
    if options.case:
        print(json.dumps({"rows": case(options.case)}))
        return
    rows = []
    for n in (options.entries // 4, options.entries):
        rows += in_process(__file__, str(n))["rows"]
    report("monitor", {"entry_bytes": len(said(batch(0).to_statement()))}, rows)


if __name__ == "__main__":
    main()
