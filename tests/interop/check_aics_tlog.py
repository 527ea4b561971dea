"""Check a log with ``aics-tlog`` alone: ``python check_aics_tlog.py DIRECTORY VKEY WITNESS_VKEY``, JSON out.

It runs in a Python of 3.12 or newer and imports nothing of ours.
"""

import json
import sys
from pathlib import Path
from typing import Any


def check(directory: Path, log: str, witness: str) -> dict[str, Any]:
    """Return what it says of the log: ``ok``, and why not or what it read."""
    import aics_tlog as their  # not where the tests run, as a rule

    note = their.parse_note((directory / "checkpoint").read_bytes())
    accepted = their.verify_checkpoint(note, their.parse_vkey(log), [their.parse_vkey(witness)], 1)
    if not accepted.ok:
        return {"ok": False, "error": accepted.error}
    size, root = accepted.size, accepted.root
    reader = their.FileSystemTileReader(directory)
    try:
        their.audit_tiles(reader, size, root)
        tiles = their.VerifiedTileReader(reader, size, root)
        entries = [their.read_entry(tiles, i, size) for i in range(size)]
        paths = [their.inclusion_proof_from_tiles(tiles, i, size) for i in range(size)]
        grown = []
        for old in range(1, size, 37):
            old_root = their.tree_root_from_tiles(tiles, old, size)
            path = their.consistency_proof_from_tiles(tiles, old, size)
            grown.append(their.verify_consistency(old, size, old_root, root, path))
    except Exception as exc:  # what it raises is the answer here
        return {"ok": False, "error": f"{type(exc).__name__}: {exc}"}
    proven = [their.verify_leaf_inclusion(entries[i], i, size, paths[i], root) for i in range(size)]
    return {
        "ok": all(proven) and all(grown),
        "origin": accepted.origin,
        "size": size,
        "root": root.hex(),
        "witnesses": accepted.witnesses,
        "entries": [entry.hex() for entry in entries],
        "paths": [[value.hex() for value in path] for path in paths],
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(check(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))
