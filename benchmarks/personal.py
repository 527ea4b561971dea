"""Claim: a feed with personal fields takes in thousands of records a second, and forgets as quickly.

Persons are simulated (seed 0): two personal values a record. A case is one task in a home of its own,
durable as always; each runs in a process of its own.

    python benchmarks/personal.py [--rows N]
"""

import argparse
import json
from pathlib import Path

import numpy as np

from measure import cost, fsync_ms, in_process, peak_mb, report, workspace
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.erasures import erase_value
from veracity.home.founding import init
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.persons import find, opened_vault

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: requests
name: Requests of residents (simulated)
version: 1.0.0
status: active
tags: [simulated]
schema:
  - name: requests
    properties:
      - {name: request, logicalType: string, primaryKey: true}
      - {name: kind, logicalType: string}
      - {name: resident, logicalType: string, customProperties: [{property: personal, value: PERSONAL}]}
      - {name: phone, logicalType: string, customProperties: [{property: personal, value: PERSONAL}]}
"""
CASES = ("in clear", "personal")


def write(path: Path, n: int) -> None:
    """Write simulated requests, a tenth of them of the same person."""
    rng = np.random.default_rng(0)
    phones = rng.integers(900_000_000, 999_999_999, n)
    phones[:: n // 10 or 1] = 900_000_001
    lines = (f"R{i},lamp,Person Number {i},0{p}\n" for i, p in enumerate(phones.tolist()))
    path.write_text("request,kind,resident,phone\n" + "".join(lines), encoding="utf-8")


def case(name: str, n: int) -> dict[str, object]:
    """Take a file in; of a personal one, find and erase a person, change the master key, audit."""
    with workspace() as folder:
        root, file, yaml = folder / "city", folder / "a.csv", folder / "c.yaml"
        write(file, n)
        yaml.write_text(CONTRACT.replace("PERSONAL", str(name == "personal").lower()), encoding="utf-8")
        init(root, "bench.example/city")
        with open_writer(root) as home:
            add_feed(home, yaml)
            with cost() as taking:
                ingest(home, "requests", [file])
            out: dict[str, object] = {
                "case": name,
                "rows": n,
                "ingest_cpu_s": taking.cpu_s,
                "ingest_wall_s": taking.wall_s,
                "records_per_cpu_s": n / taking.cpu_s,
            }
            if name == "personal":
                with cost() as finding:
                    found = find(home, "requests", "phone", "0900000001", "bench", "bench").records
                with cost() as erasing:
                    erase_value(home, "requests", "phone", "0900000001", "bench", "bench")
                with cost() as rotating, opened_vault(home) as vault:
                    vault.rotate()
                out |= {
                    "found": len(found),
                    "find_wall_s": finding.wall_s,
                    "erase_wall_s": erasing.wall_s,
                    "rotate_wall_s": rotating.wall_s,
                    "vault_bytes_per_record": (root / "vault.db").stat().st_size / n,
                }
            with cost() as auditing:
                assert audit(home).is_clean
            out |= {"audit_cpu_s": auditing.cpu_s, "peak_mb": peak_mb(), "fsync_ms": fsync_ms(folder)}
        return out


def main() -> None:
    """Run the cases and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--case", nargs=2)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(case(arguments.case[0], int(arguments.case[1]))))
        return
    rows = [in_process(__file__, name, arguments.rows) for name in CASES]
    report("personal", {"claim": (__doc__ or "").splitlines()[0]}, rows)


if __name__ == "__main__":
    main()
