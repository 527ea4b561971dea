"""Write the vectors of the log's formats: ``python tests/vectors/make_log.py``. Same keys, same bytes.

One file a format in ``log/``. Each has ``valid`` cases, with what is to be read from them, and ``invalid``
ones, with why and the error's code. Bytes stand as ``text`` where they are UTF-8 and as ``base64`` where
they are not; hashes are base64; numbers beyond 2**53 are text.
"""

import json
from collections.abc import Callable

from log_files import bundles, tiles
from log_policies import policies
from log_proofs import consistencies, inclusions, tlog_proofs
from log_signed import checkpoints, cosignatures, envelopes, kept_signature, notes
from log_world import HERE, Case

SCHEMA = "veracity.log-vectors/v1"


FORMATS: dict[str, Callable[[], dict[str, list[Case]]]] = {
    "notes": notes,
    "checkpoints": checkpoints,
    "inclusion": inclusions,
    "consistency": consistencies,
    "cosignatures": lambda: cosignatures(kept_signature()),
    "policies": policies,
    "tlog_proofs": tlog_proofs,
    "tiles": tiles,
    "bundles": bundles,
    "envelopes": envelopes,
}


def vectors() -> dict[str, bytes]:
    """Return every file of the vectors by name."""
    return {
        f"{name}.json": json.dumps({"schema": SCHEMA, **make()}, ensure_ascii=False, indent=1).encode()
        + b"\n"
        for name, make in FORMATS.items()
    }


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    for name, data in vectors().items():
        (HERE / name).write_bytes(data)
