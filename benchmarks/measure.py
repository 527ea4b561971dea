"""What every benchmark here shares: the machine, CPU seconds, peak memory, a table and one JSON file."""

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass
class Cost:
    """Of one stretch of work: wall and CPU seconds (all threads, user + system)."""

    wall_s: float = 0.0
    cpu_s: float = 0.0


@contextmanager
def cost() -> Iterator[Cost]:
    """Measure a ``with`` block."""
    out = Cost()
    wall, cpu = time.perf_counter(), cpu_seconds()
    yield out
    out.wall_s, out.cpu_s = time.perf_counter() - wall, cpu_seconds() - cpu


def cpu_seconds() -> float:
    """User and system seconds of this process and its finished children."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_mb() -> float:
    """Peak resident memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fsync_ms(directory: Path, n: int = 50) -> float:
    """Median milliseconds to write 4 KiB and fsync it on the disk under test."""
    times = []
    path = directory / "fsync.probe"
    for _ in range(n):
        start = time.perf_counter()
        handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC)
        os.write(handle, b"x" * 4096)
        os.fsync(handle)
        os.close(handle)
        times.append(time.perf_counter() - start)
    path.unlink()
    return statistics.median(times) * 1000


def percentile(values: Sequence[float], p: float) -> float:
    """Return the nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p / 100 * len(ordered)))]


def machine() -> dict[str, Any]:
    """Describe what ran this: processor, cores, memory, versions, commit."""
    model = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ("polars", "deltalake", "numpy", "obstore", "cryptography", "sqlalchemy", "veracity")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory_gb, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in libraries},
        "commit": _commit(),
    }


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def in_process(script: str, *arguments: object) -> dict[str, Any]:
    """Run a benchmark's case in a process of its own, so that peak memory is the case's alone."""
    command = [sys.executable, script, "--case", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"case {arguments} failed:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(name: str, about: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """Print a table and write ``benchmarks/results/<name>.json``."""
    RESULTS.mkdir(exist_ok=True)
    document = {"benchmark": name, **about, "machine": machine(), "rows": list(rows)}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=2) + "\n")
    names = list(dict.fromkeys(k for row in rows for k in row))
    cells = [[_cell(row.get(n, "")) for n in names] for row in rows]
    widths = [max(len(n), *(len(c[i]) for c in cells)) for i, n in enumerate(names)]
    print("  ".join(n.rjust(w) for n, w in zip(names, widths, strict=True)))
    for line in cells:
        print("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)))
    print(f"written: benchmarks/results/{name}.json")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@contextmanager
def workspace() -> Iterator[Path]:
    """A temporary directory on the disk that the results speak of."""
    with tempfile.TemporaryDirectory(prefix="veracity-bench-") as name:
        yield Path(name)


def repeated(run: Callable[[], Any], n: int) -> list[Cost]:
    """Measure ``n`` runs after one that is not counted."""
    run()
    out = []
    for _ in range(n):
        with cost() as c:
            run()
        out.append(c)
    return out
