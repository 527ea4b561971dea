"""The corpora kept in the tree: one text file a target, one input a line, so that changes can be read.

A line is a label and base64. ``seed``: an artefact of ours, which must be accepted. ``kept``: an input
that a campaign found to reach further code. ``found``: one that once broke a promise; never removed.
"""

from base64 import b64decode, b64encode
from pathlib import Path

CORPORA = Path(__file__).with_name("corpus")
LABELS = ("seed", "found", "kept")

Corpus = list[tuple[str, bytes]]


def read_corpus(name: str) -> Corpus:
    """Return a target's inputs with their labels; none if it has no file."""
    path = CORPORA / f"{name}.txt"
    lines = path.read_text("ascii").splitlines() if path.exists() else []
    return [(label, b64decode(encoded)) for label, encoded in (line.split(" ") for line in lines)]


def write_corpus(name: str, corpus: Corpus) -> None:
    """Write a target's inputs: each once, by label, then as given."""
    first: dict[bytes, str] = {}
    for label in LABELS:
        for other, data in corpus:
            if other == label:
                first.setdefault(data, label)
    lines = [f"{label} {b64encode(data).decode('ascii')}\n" for data, label in first.items()]
    (CORPORA / f"{name}.txt").write_text("".join(lines), "ascii")


def unpack(name: str, folder: Path) -> None:
    """Write a target's inputs as files, the form that libFuzzer takes."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (label, data) in enumerate(read_corpus(name)):
        (folder / f"{label}-{number:04}").write_bytes(data)
