"""One line of the table that compares logs, and how a case hands its lines over."""

import json

from measure import peak_mb


def row(
    name: str, n: int, batch: int, wall_s: float, cpu_s: float, n_done: int | None = None
) -> dict[str, object]:
    """Return one line: ``n_done`` things (None: all ``n``) took so long over a log of ``n`` entries."""
    n_done = n if n_done is None else n_done
    return {
        "case": name,
        "entries": n,
        "batch": batch,
        "per_s": round(n_done / wall_s),
        "per_cpu_s": round(n_done / max(cpu_s, 1e-9)),
        "peak_mb": peak_mb(),
    }


def finish(rows: list[dict[str, object]]) -> None:
    """Print a case's lines as its last line."""
    print(json.dumps({"rows": rows}))
