"""Claim: a receipt is made and verified in milliseconds, and a table of 10 million rows does not slow it.

Sealed tables of 10 thousand, 1 million and 10 million rows; receipts for records chosen at
random (seed 0), found by `--where` and by `--record`. Verifying is timed with and without
cleaning the record again. Values are simulated.

    python benchmarks/receipt.py [--rows N,N,…] [--n N]
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

from ingest import CONTRACT, write_source
from measure import in_process, peak_mb, percentile, report, workspace
from veracity.data.text import RECORDS_PER_PART
from veracity.home.contracts import add_feed
from veracity.home.founding import init
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.receipts import find_record, find_row, make_receipt
from veracity.provenance.receipts import format_receipt, parse_receipt, verify_receipt
from veracity.verifying import verify


def timed(run: Callable[[int], object], n: int) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds."""
    run(0)
    times = []
    for i in range(n):
        start = time.perf_counter()
        run(i)
        times.append((time.perf_counter() - start) * 1000)
    return percentile(times, 50), percentile(times, 99)


def case(kind: str, n_rows: int, n: int) -> dict[str, object]:
    """Seal one file, then make and verify ``n`` receipts."""
    with workspace() as folder:
        root, source = folder / "city", folder / f"source.{kind}"
        write_source(source, n_rows)
        init(root, "bench.example/simulated")
        (folder / "contract.yaml").write_bytes(CONTRACT)
        with open_writer(root) as writer:
            add_feed(writer, folder / "contract.yaml")
            ingest(writer, "bench", [source], records_per_part=RECORDS_PER_PART)
        home = Home.open(root)
        chosen = np.random.default_rng(0).choice(n_rows, n, replace=False).tolist()
        rows = home.table("bench").scan().select("station", "observed_at", "_batch", "_record").collect()
        picked = [rows.row(i % rows.height, named=True) for i in chosen]
        wheres = [
            f"station = '{r['station']}' and observed_at = '{r['observed_at'].isoformat()}'" for r in picked
        ]
        places = [(r["_batch"], r["_record"]) for r in picked]
        del rows
        receipts = [make_receipt(home, "bench", find_record(home, "bench", *place)) for place in places[:50]]
        bodies = [format_receipt(r) for r in receipts]
        policy = home.policy
        find = timed(lambda i: make_receipt(home, "bench", find_row(home, "bench", wheres[i])), n)
        make = timed(lambda i: make_receipt(home, "bench", find_record(home, "bench", *places[i])), n)
        core = timed(lambda i: verify_receipt(parse_receipt(bodies[i % 50]), policy), n)
        full = timed(lambda i: verify(parse_receipt(bodies[i % 50]), policy), n)
        home.close()
        return {
            "case": kind,
            "rows": n_rows,
            "where_p50_ms": find[0],
            "where_p99_ms": find[1],
            "make_p50_ms": make[0],
            "make_p99_ms": make[1],
            "verify_p50_ms": core[0],
            "verify_p99_ms": core[1],
            "with_row_p50_ms": full[0],
            "with_row_p99_ms": full[1],
            "bytes": len(bodies[0]),
            "peak_mb": peak_mb(),
        }


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", default="10000,1000000,10000000")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--case", nargs=3)
    options = parser.parse_args()
    if options.case:
        kind, n_rows, n = options.case
        print(json.dumps(case(kind, int(n_rows), int(n))))
        return
    sizes = [int(size) for size in options.rows.split(",")]
    cases = [(kind, size) for kind in ("parquet", "ndjson") for size in sizes]
    rows = [in_process(__file__, kind, size, options.n) for kind, size in cases]
    report("receipt", {"seed": 0, "simulated": True, "receipts": options.n}, rows)


if __name__ == "__main__":
    main()
