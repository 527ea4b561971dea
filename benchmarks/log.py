"""Claims: the log takes 100,000 small entries per CPU-second without fsync, proves one of ten million in
under 1 ms, and publishes with three witnesses in a few round trips.

Entries of 88 bytes, the index of duplicates included; append batches of 256 and 4,096, with and
without fsync (its latency on the same disk beside them). Then inclusion proofs of random entries
(seed 0), a full audit (every bundle and tile recomputed against the signed root), reading everything
back, and the latency of publishing with three real witnesses over HTTP on loopback. The simplest
baseline, appending the same bytes to one file with one fsync a batch, is in the table, and so are
pymerkle and, where a Python of 3.12 or newer has it, aics-tlog, in the same run.

    python benchmarks/log.py [--entries N] [--proofs-of N] [--audit-of N] [--aics-python PYTHON]
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from log_case import finish, row
from measure import cost, fsync_ms, in_process, percentile, report, workspace
from small_entries import entries
from veracity.log.append import Log
from veracity.log.fsck import fsck
from veracity.log.notes import Signer
from veracity.log.policy import format_policy, parse_policy, policy_for
from veracity.log.tlog_proof import TlogProof
from veracity.log.witnessing import WitnessedPublisher
from veracity.stores.database import Database
from veracity.stores.log_state import SqlLogState
from veracity.stores.objects import LocalObjects
from veracity.stores.witness_client import HttpWitnesses

SIGNER = Signer("bench.example/simulated", bytes(32))


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


N_PROOFS = 2_000
PEERS = Path(__file__).parent / "peers" / "log"


def opened(folder: Path) -> Log:
    """Open the log that a case made."""
    return Log.open(LocalObjects(folder / "log"), SqlLogState(Database(folder / "log.db")), SIGNER)


def proofs(folder: Path, n: int) -> list[dict[str, object]]:
    """Prove and verify random entries of a log of ``n``."""
    appended(folder, n, 65_536, durable=False)
    log, policy = opened(folder), policy_for(SIGNER.verifier)
    chosen = np.random.default_rng(0).integers(0, n, N_PROOFS).tolist()
    times, texts = [], []
    with cost() as proving:
        for i in chosen:
            start = time.perf_counter()
            texts.append(log.prove(i))
            times.append((time.perf_counter() - start) * 1000)
    with cost() as verifying:
        for i, text in zip(chosen, texts, strict=True):
            TlogProof.parse(text).verify(entries(i, 1)[0], policy)
    warm = []
    for i in chosen:  # the same again: the tiles that fit in the cache are warm now
        start = time.perf_counter()
        log.prove(i)
        warm.append((time.perf_counter() - start) * 1000)
    first = row("prove", n, 1, proving.wall_s, proving.cpu_s, N_PROOFS)
    first |= {"p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99)}
    again = row("prove again", n, 1, sum(warm) / 1000, sum(warm) / 1000, N_PROOFS)
    again |= {"p50_ms": percentile(warm, 50), "p99_ms": percentile(warm, 99)}
    return [first, again, row("verify proof", n, 1, verifying.wall_s, verifying.cpu_s, N_PROOFS)]


def audits(folder: Path, n: int) -> list[dict[str, object]]:
    """Check a log of ``n`` entries whole, and read it back."""
    appended(folder, n, 65_536, durable=False)
    objects, out = LocalObjects(folder / "log", read_only=True), []
    with cost() as c:
        assert fsck(objects, SIGNER.verifier).is_sound
    out.append(row("audit (fsck)", n, n, c.wall_s, c.cpu_s))
    log = opened(folder)
    with cost() as c:
        assert sum(1 for _ in log.entries()) == n
    out.append(row("read back", n, n, c.wall_s, c.cpu_s))
    with cost() as c:
        assert opened(folder).append([b"one more"]) == [n]  # reads all leaf hashes: what the log has
    first = row("first append of a process", n, 1, c.wall_s, c.cpu_s, 1)
    return [*out, first | {"p50_ms": c.wall_s * 1000}]


N_WITNESSES, N_PUBLISHED = 3, 200


def witnessed(folder: Path, n: int, batch: int) -> list[dict[str, object]]:
    """Publish with all of three witnesses, each a process of its own behind HTTP on loopback, and fsync."""
    (folder / "logs").write_text(format_policy(policy_for(SIGNER.verifier)))
    running, lines = [], []
    try:
        for i in range(N_WITNESSES):
            where = ["--name", f"w{i}.example/w", "--dir", str(folder / f"w{i}"), "--port", "0", "--json"]
            command = [sys.executable, "-m", "veracity", "witness", "serve", str(folder / "logs"), *where]
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
            said = running[-1].stdout
            assert said is not None
            lines.append(json.loads(said.readline())["policy_line"])
        names = " ".join(line.split()[1] for line in lines)
        text = "\n".join([f"log {SIGNER.verifier.format()}", *lines, f"group g all {names}", "quorum g", ""])
        publisher = WitnessedPublisher(parse_policy(text), HttpWitnesses())
        state = SqlLogState(Database(folder / "log.db"))
        log = Log.open(LocalObjects(folder / "log"), state, SIGNER, publisher)
        log.publish()
        times = []
        with cost() as c:
            for i in range(0, n, batch):
                log.append(entries(i, batch))
                start = time.perf_counter()
                log.publish()
                times.append((time.perf_counter() - start) * 1000)
    finally:
        for process in running:
            process.terminate()
            process.wait()
    line = row("publish, 3 witnesses", n, batch, c.wall_s, c.cpu_s, len(times))
    return [line | {"p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99)}]


def case(name: str, n: int, batch: int) -> list[dict[str, object]]:
    """Run one case in a fresh directory."""
    with workspace() as folder:
        match name:
            case "proofs":
                return proofs(folder, n)
            case "audit":
                return audits(folder, n)
            case "witnessed":
                return witnessed(folder, n, batch)
            case "plain":
                return [plain_file(folder, n, batch)]
        return [appended(folder, n, batch, durable=name == "durable")]


def of_peer(python: str, script: str, name: str, n: int, batch: int) -> list[dict[str, object]]:
    """Run a case of another tool, in the Python that has it."""
    command = [python, str(PEERS / script), name, str(n), str(batch)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{script} {name} failed:\n{done.stderr}")
    found: list[dict[str, object]] = json.loads(done.stdout.splitlines()[-1])["rows"]
    return found


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--entries", type=int, default=200_000)
    parser.add_argument("--proofs-of", type=int, default=1_000_000, help="10,000,000 takes minutes and 2 GB")
    parser.add_argument("--audit-of", type=int, default=1_000_000)
    parser.add_argument("--aics-python", help="a Python >= 3.12 that has aics-tlog")
    parser.add_argument("--case", nargs=3)
    options = parser.parse_args()
    if options.case:
        name, n, batch = options.case
        finish(case(name, int(n), int(batch)))
        return
    n = options.entries
    rows: list[dict[str, Any]] = []
    for batch in (4_096, 256):
        for name in ("fast", "durable", "plain"):
            rows += in_process(__file__, name, n, batch)["rows"]
        if options.aics_python:
            for name in ("append", "append-fsync"):
                rows += of_peer(options.aics_python, "aics_tlog_tiles.py", name, n, batch)
        rows += of_peer(sys.executable, "pymerkle_tree.py", "append", n, batch)
    rows += in_process(__file__, "fast", 5 * n, 4_096)["rows"]
    rows += in_process(__file__, "witnessed", N_PUBLISHED * 256, 256)["rows"]
    rows += in_process(__file__, "proofs", options.proofs_of, 0)["rows"]
    rows += in_process(__file__, "audit", options.audit_of, 0)["rows"]
    rows += of_peer(sys.executable, "pymerkle_tree.py", "prove", n, 4_096)
    if options.aics_python:
        rows += of_peer(options.aics_python, "aics_tlog_tiles.py", "prove", n, 4_096)
        rows += of_peer(options.aics_python, "aics_tlog_tiles.py", "audit", options.audit_of, 4_096)
    with workspace() as folder:
        latency = fsync_ms(folder)
    print(f"fsync of 4 KiB on this disk: {latency:.2f} ms")
    report("log", {"seed": 0, "fsync_ms": latency, "entry_bytes": len(entries(0, 1)[0])}, rows)


if __name__ == "__main__":
    main()
