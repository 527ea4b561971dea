"""Fuzz every target for a while and print what came of it: ``python tests/fuzz/campaign.py --seconds 60``.

Each target runs alone, nice'd, with bounded memory and time an input. It starts from the corpus in the
tree and from what earlier campaigns left in ``build/fuzz``. A finding is written there too and makes
the exit code 1; ``--keep`` adds findings, and a few short inputs that reach further code, to the corpus.
"""

import argparse
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from corpora import read_corpus, unpack, write_corpus  # noqa: E402

RSS_MB = 2_048  # over a gigabyte of it before the first input: the libraries, instrumented
TIMEOUT_S = 10
MAX_KEPT = 40  #: inputs a target
MAX_KEPT_BYTES = 400  #: an input


@dataclass(frozen=True)
class Outcome:
    """How a campaign against one target went."""

    name: str
    executions: int
    features: int
    n_inputs: int
    peak_mb: int
    findings: tuple[Path, ...]
    broken: bool  # ended without running


def fuzz(name: str, seconds: int, seed: int, build: Path) -> Outcome:
    """Run one target for ``seconds``."""
    grown, seeds, findings = build / name / "grown", build / name / "seeds", build / name / "findings"
    shutil.rmtree(seeds, ignore_errors=True)
    unpack(name, seeds)
    for folder in (grown, findings):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(findings.iterdir())
    done = _atheris(
        name,
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-artifact_prefix={findings}/",
        str(grown),
        str(seeds),
    )
    (build / name / "output.txt").write_text(done)
    features = re.findall(r"ft: (\d+)", done)
    return Outcome(
        name,
        _statistic(done, "number_of_executed_units"),
        int(features[-1]) if features else 0,
        len(list(grown.iterdir())),
        _statistic(done, "peak_rss_mb"),
        tuple(sorted(set(findings.iterdir()) - before)),
        "stat::" not in done,
    )


def keep(name: str, build: Path) -> None:
    """Take what was reached into the tree's corpus: every finding, and a few short further inputs."""
    old = read_corpus(name)
    known = {data for _, data in old}
    reached = (path.read_bytes() for path in sorted((build / name / "grown").iterdir()))
    new = sorted(
        (d for d in reached if len(d) <= MAX_KEPT_BYTES and d not in known), key=lambda d: (len(d), d)
    )
    room = MAX_KEPT - sum(label == "kept" for label, _ in old)
    chosen = new[:: max(1, len(new) // room)][:room] if room > 0 else []
    found = [path.read_bytes() for path in sorted((build / name / "findings").iterdir())]
    write_corpus(name, [*old, *(("found", d) for d in found), *(("kept", d) for d in chosen)])


def _atheris(name: str, *arguments: str) -> str:
    limits = [f"-rss_limit_mb={RSS_MB}", f"-timeout={TIMEOUT_S}", "-print_final_stats=1"]
    command = ["nice", "-n", "15", sys.executable, str(HERE / "run_target.py"), name, *limits, *arguments]
    return subprocess.run(command, capture_output=True, text=True, errors="replace").stderr


def _statistic(output: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s+(\d+)", output)
    return int(found[1]) if found else 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> int:
    """Run the campaign and print the table."""
    names = sorted(path.stem for path in (HERE / "corpus").glob("*.txt"))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", choices=[[], *names], help="all if none is named")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--build", type=Path, default=Path("build/fuzz"))
    parser.add_argument("--keep", action="store_true", help="take what was reached into the tree")
    given = parser.parse_args()
    chosen = given.targets or names
    _say(f"{'target':24} {'executions':>12} {'features':>9} {'inputs':>7} {'peak MB':>8} {'findings':>9}")
    failed = False
    with ThreadPoolExecutor(given.jobs) as pool:
        for outcome in pool.map(lambda n: fuzz(n, given.seconds, given.seed, given.build), chosen):
            told = "did not run" if outcome.broken else str(len(outcome.findings))
            _say(
                f"{outcome.name:24} {outcome.executions:12,} {outcome.features:9,} {outcome.n_inputs:7,} "
                f"{outcome.peak_mb:8,} {told:>9}"
            )
            for path in outcome.findings:
                _say(f"    {path}")
            failed = failed or bool(outcome.findings) or outcome.broken
            if given.keep:
                keep(outcome.name, given.build)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
