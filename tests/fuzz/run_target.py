"""Run one target under atheris: ``python tests/fuzz/run_target.py TARGET [libFuzzer's arguments]``."""

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def main() -> None:
    """Fuzz the target that is named first, with the coverage of our own code as the guide."""
    sys.path[:0] = [str(TESTS / folder) for folder in ("fuzz", "log", "provenance", "")]
    import atheris  # type: ignore[import-untyped,unused-ignore]

    with atheris.instrument_imports(include=["veracity"]):
        from every_target import TARGETS
        from fuzzing import accepts

    name, *arguments = sys.argv[1:]
    chosen = TARGETS[name]

    def one(data: bytes) -> None:
        accepts(chosen, data)

    atheris.Setup([sys.argv[0], f"-max_len={chosen.max_bytes}", *arguments], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
