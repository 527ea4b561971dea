"""Every parser of input from outside: the corpora of the fuzzer again, and a short run of each target."""

import subprocess
import sys
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


@pytest.mark.skipif(find_spec("atheris") is None, reason="atheris is not installed for this Python")
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_run(name: str, tmp_path: Path) -> None:
    """A few thousand mutations of the corpus, always the same, break no promise."""
    unpack(name, tmp_path / "corpus")
    limits = [
        f"-runs={RUNS}",
        "-seed=1",
        "-rss_limit_mb=2048",
        "-timeout=10",
        f"-artifact_prefix={tmp_path}/",
    ]
    command = [sys.executable, str(HERE / "run_target.py"), name, *limits, str(tmp_path / "corpus")]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"Done {RUNS} runs" in done.stderr
