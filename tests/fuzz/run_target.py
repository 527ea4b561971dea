"""Run one target under atheris: ``python tests/fuzz/run_target.py TARGET [libFuzzer's arguments]``.

With ``--each`` and no target, every line of the standard input is such a call, as a JSON list. Each runs
in a fork, so that our code is instrumented once, and answers with one line of JSON: its exit code, and
what it said on its standard error.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / folder) for folder in ("fuzz", "log", "provenance", "")]

import atheris  # type: ignore[import-untyped,unused-ignore]  # noqa: E402

with atheris.instrument_imports(include=["veracity"]):
    from every_target import TARGETS
    from fuzzing import accepts


def main() -> None:
    """Fuzz the target that is named first, with the coverage of our own code as the guide."""
    if sys.argv[1:] != ["--each"]:
        fuzz(*sys.argv[1:])
    for line in sys.stdin:
        code, said = forked(json.loads(line))
        sys.stdout.write(json.dumps([code, said]) + "\n")
        sys.stdout.flush()


def fuzz(name: str, *arguments: str) -> None:
    """Fuzz a target. Does not return."""
    chosen = TARGETS[name]

    def one(data: bytes) -> None:
        accepts(chosen, data)

    atheris.Setup([sys.argv[0], f"-max_len={chosen.max_bytes}", *arguments], one)
    atheris.Fuzz()


def forked(call: list[str]) -> tuple[int, str]:
    """Fuzz a target in a fork; return its exit code and what it said."""
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), 2)
            fuzz(*call)
            os._exit(70)  # libFuzzer ends the process itself
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        said.seek(0)
        return code, said.read().decode("utf-8", "replace")


if __name__ == "__main__":
    main()
