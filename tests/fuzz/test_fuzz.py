"""Every parser of input from outside: the corpora of the fuzzer again, and a short run of each target."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from corpora import CORPORA, LABELS, read_corpus, unpack  # noqa: E402
from every_target import TARGETS  # noqa: E402
from fuzzing import accepts  # noqa: E402

RUNS = 2_000


@pytest.mark.parametrize("name", TARGETS)
def test_the_corpus_again(name: str) -> None:
    """No input that was ever kept breaks a promise, and our own artefacts are accepted."""
    corpus = read_corpus(name)
    assert corpus[0][0] == "seed"
    for label, data in corpus:
        assert label in LABELS
        assert accepts(TARGETS[name], data) or label != "seed"


def test_every_corpus_has_its_target() -> None:
    """A corpus whose target is gone would never be run."""
    assert sorted(path.stem for path in CORPORA.iterdir()) == sorted(TARGETS)


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[subprocess.Popen[str]]:
    """A process in which our code is instrumented; it forks for each run."""
    command = [sys.executable, str(HERE / "run_target.py"), "--each"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed for this Python")
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run(name: str, fuzzer: subprocess.Popen[str], tmp_path: Path) -> None:
    """A few thousand mutations of the corpus, always the same, break no promise."""
    unpack(name, tmp_path / "corpus")
    limits = [
        f"-runs={RUNS}",
        "-seed=1",
        "-reload=0",  # after a second it would run some again: on a slow machine more than were asked for
        "-rss_limit_mb=2048",
        "-timeout=10",
        f"-artifact_prefix={tmp_path}/",
    ]
    assert fuzzer.stdin is not None
    assert fuzzer.stdout is not None
    fuzzer.stdin.write(json.dumps([name, *limits, str(tmp_path / "corpus")]) + "\n")
    fuzzer.stdin.flush()
    code, said = json.loads(fuzzer.stdout.readline())
    assert code == 0, said[-3000:]
    assert f"Done {RUNS} runs" in said
