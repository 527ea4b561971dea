"""The same log with aics-tlog (Python 3.12 or newer): tiles in a directory, a signed checkpoint a batch.

    python aics_tlog_tiles.py append|append-fsync|prove|audit ENTRIES BATCH

It keeps no index of duplicates and no compare-and-swap of what was signed.
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from aics_tlog import (
    Checkpoint,
    DirectoryTileStore,
    FileSystemTileReader,
    IncrementalTileWriter,
    VerifiedTileReader,
    audit_tiles,
    inclusion_proof_from_tiles,
    leaf_hash,
    sign_checkpoint,
    verify_inclusion,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from log_case import finish, row
from measure import cost, percentile
from small_entries import entries

ORIGIN = "bench.example/simulated"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
N_PROOFS = 2_000


def appended(
    folder: Path, n: int, batch: int, durable: bool
) -> tuple[IncrementalTileWriter, dict[str, object]]:
    """Append ``n`` entries, a checkpoint signed and written for each batch."""
    store = DirectoryTileStore(folder, fsync=durable)
    writer = IncrementalTileWriter(store)
    batches = [entries(i, min(batch, n - i)) for i in range(0, n, batch)]
    with cost() as c:
        for some in batches:
            writer.append(some)
            checkpoint = Checkpoint(ORIGIN, writer.size, writer.root())
            store.write_checkpoint(sign_checkpoint(checkpoint, KEY, ORIGIN).to_bytes())
    name = "append fsync" if durable else "append"
    return writer, row(f"aics-tlog {name}", n, batch, c.wall_s, c.cpu_s)


def main() -> None:
    """Run one case."""
    case, n, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="veracity-bench-") as name:
        folder = Path(name)
        writer, line = appended(folder, n, batch, durable=case == "append-fsync")
        if case.startswith("append"):
            finish([line])
            return
        root, reader = writer.root(), FileSystemTileReader(folder)
        if case == "audit":
            with cost() as c:
                audit_tiles(reader, n, root)
            finish([row("aics-tlog audit", n, n, c.wall_s, c.cpu_s)])
            return
        verified = VerifiedTileReader(reader, n, root)
        chosen = [i * 2_654_435_761 % n for i in range(N_PROOFS)]
        times, paths = [], []
        with cost() as proving:
            for i in chosen:
                start = time.perf_counter()
                paths.append(inclusion_proof_from_tiles(verified, i, n))
                times.append((time.perf_counter() - start) * 1000)
        with cost() as verifying:
            for i, path in zip(chosen, paths, strict=True):
                assert verify_inclusion(leaf_hash(entries(i, 1)[0]), i, n, path, root)
        proved = row("aics-tlog prove", n, 1, proving.wall_s, proving.cpu_s, N_PROOFS)
        proved |= {"p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99)}
        finish([proved, row("aics-tlog verify path", n, 1, verifying.wall_s, verifying.cpu_s, N_PROOFS)])


main()
