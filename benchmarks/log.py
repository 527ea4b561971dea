"""Claim: the log takes 100,000 small entries per CPU-second without fsync, and proves one in under 1 ms.

Entries of about 90 bytes, the index of duplicates included; append batches of 256 and 4,096,
with and without fsync (its latency on the same disk beside them). Then inclusion proofs of
random entries (seed 0), fsck, and reading everything back. The simplest baseline, appending
the same bytes to one file with one fsync a batch, is in the table.

    python benchmarks/log.py [--entries N]
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

from measure import cost, fsync_ms, in_process, peak_mb, percentile, report, workspace
from veracity.log.append import Log
from veracity.log.fsck import fsck
from veracity.log.notes import Signer
from veracity.log.policy import policy_for
from veracity.log.tlog_proof import TlogProof
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects

SIGNER = Signer("bench.example/simulated", bytes(32))


def entries(first: int, n: int) -> list[bytes]:
    """Small entries, each its own."""
    return [
        b"%012d %s" % (i, b"simulated reading of a sensor, as small as an entry may well be in practice")
        for i in range(first, first + n)
    ]


def appended(folder: Path, n: int, batch: int, durable: bool) -> dict[str, object]:
    """Append ``n`` entries and measure."""
    log = Log.open(
        LocalObjects(folder / "log", durable=durable),
        SqlLogState(Database(folder / "log.db", durable=durable)),
        SIGNER,
    )
    batches = [entries(i, min(batch, n - i)) for i in range(0, n, batch)]
    with cost() as c:
        for some in batches:
            log.append(some)
    return row("append" + (" fsync" if durable else ""), n, batch, c.wall_s, c.cpu_s)


def plain_file(folder: Path, n: int, batch: int) -> dict[str, object]:
    """Append the same bytes to one file: no tree, no signature, no duplicates found, no proofs."""
    batches = [b"".join(entries(i, min(batch, n - i))) for i in range(0, n, batch)]
    with (folder / "plain").open("wb") as out, cost() as c:
        for some in batches:
            out.write(some)
            out.flush()
            os.fsync(out.fileno())
    return row("plain file fsync", n, batch, c.wall_s, c.cpu_s)


def row(name: str, n: int, batch: int, wall_s: float, cpu_s: float) -> dict[str, object]:
    """One line of the table."""
    return {
        "case": name,
        "entries": n,
        "batch": batch,
        "per_s": round(n / wall_s),
        "per_cpu_s": round(n / max(cpu_s, 1e-9)),
        "peak_mb": peak_mb(),
    }


def proofs(folder: Path, n: int) -> list[dict[str, object]]:
    """Prove and verify random entries of a log of ``n``; check it whole; read it back."""
    appended(folder, n, 4_096, durable=False)
    objects, policy = LocalObjects(folder / "log", read_only=True), policy_for(SIGNER.verifier)
    log = Log.open(LocalObjects(folder / "log"), SqlLogState(Database(folder / "log.db")), SIGNER)
    chosen = np.random.default_rng(0).integers(0, n, 2_000).tolist()
    times, texts = [], []
    with cost() as proving:
        for i in chosen:
            start = time.perf_counter()
            texts.append(log.prove(i))
            times.append((time.perf_counter() - start) * 1000)
    with cost() as verifying:
        for i, text in zip(chosen, texts, strict=True):
            TlogProof.parse(text).verify(entries(i, 1)[0], policy)
    out = []
    for name, c in (("prove", proving), ("verify proof", verifying)):
        out.append(row(name, n, 1, c.wall_s / 2_000 * n, c.cpu_s / 2_000 * n))
    out[0] |= {"p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99)}
    with cost() as c:
        assert fsck(objects, SIGNER.verifier).is_sound
    out.append(row("fsck", n, n, c.wall_s, c.cpu_s))
    with cost() as c:
        assert sum(1 for _ in log.entries()) == n
    out.append(row("read back", n, n, c.wall_s, c.cpu_s))
    return out


def case(name: str, n: int, batch: int) -> list[dict[str, object]]:
    """Run one case in a fresh directory."""
    with workspace() as folder:
        if name == "proofs":
            return proofs(folder, n)
        if name == "plain":
            return [plain_file(folder, n, batch)]
        return [appended(folder, n, batch, durable=name == "durable")]


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--case", nargs=3)
    options = parser.parse_args()
    if options.case:
        name, n, batch = options.case
        print(json.dumps({"rows": case(name, int(n), int(batch))}))
        return
    n, rows = options.entries, []
    cases = [(name, n, batch) for name in ("fast", "durable", "plain") for batch in (4_096, 256)]
    for arguments in [*cases, ("fast", 5 * n, 4_096), ("proofs", n, 0)]:
        rows += in_process(__file__, *arguments)["rows"]
    with workspace() as folder:
        latency = fsync_ms(folder)
    print(f"fsync of 4 KiB on this disk: {latency:.2f} ms")
    report("log", {"seed": 0, "fsync_ms": latency, "entry_bytes": len(entries(0, 1)[0])}, rows)


if __name__ == "__main__":
    main()
