"""The same entries in pymerkle's SQLite tree: no tiles, no checkpoint, no signature.

python pymerkle_tree.py append|prove ENTRIES BATCH
"""

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from pymerkle import SqliteTree, verify_inclusion

from log_case import finish, row
from measure import cost, percentile
from small_entries import entries

N_PROOFS = 200


def main() -> None:
    """Run one case."""
    case, n, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with tempfile.TemporaryDirectory(prefix="veracity-bench-") as name:
        tree = SqliteTree(str(Path(name) / "tree.db"))
        batches = [entries(i, min(batch, n - i)) for i in range(0, n, batch)]
        with cost() as c:
            for some in batches:
                tree.append_entries(some)
            tree.get_root()
        if case == "append":
            finish([row("pymerkle append", n, batch, c.wall_s, c.cpu_s)])
            return
        chosen = [1 + i * 2_654_435_761 % n for i in range(N_PROOFS)]
        root, times = tree.get_root(), []
        with cost() as proving:
            for i in chosen:
                start = time.perf_counter()
                proof = tree.prove_inclusion(i)
                times.append((time.perf_counter() - start) * 1000)
        verify_inclusion(tree.get_leaf(chosen[-1]), root, proof)
        proved = row("pymerkle prove", n, 1, proving.wall_s, proving.cpu_s, N_PROOFS)
        finish([proved | {"p50_ms": percentile(times, 50), "p99_ms": percentile(times, 99)}])


main()
