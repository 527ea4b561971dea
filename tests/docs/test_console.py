"""The runner of documents notices what it is there to notice."""

from pathlib import Path

import pytest
from console import DocumentDiffers, blocks, commands, matches, run_document


def document(path: Path, text: str) -> Path:
    """Write a document."""
    path.mkdir()
    (path / "doc.md").write_text(text.replace("~~~", "```"), encoding="utf-8")
    return path / "doc.md"


def test_directory_variables_and_files_carry_over(tmp_path: Path) -> None:
    """Commands run in order, each where the one before left off, with the files the document gives."""
    text = (
        "<!-- file: note.txt -->\n~~~text\nhello … world\n~~~\n"
        "~~~console\n$ mkdir sub && cd sub\n$ export WORD='two words'\n~~~\n"
        '~~~console\n$ cat \\\n  ../note.txt\nhello …\n$ echo "$WORD"; echo err >&2\ntwo words\nerr\n~~~\n'
        "<!-- not run: it would fail -->\n~~~console\n$ false\n~~~\n"
        "~~~console\n$ exit 3  # exit 3\n~~~\n"
    )
    assert run_document(document(tmp_path / "d", text), tmp_path / "d") == 5


@pytest.mark.parametrize(
    ("block", "complaint"),
    [
        ("$ echo one\ntwo", "want:\ntwo\ngot:\none"),
        ("$ echo one; echo two\none", "got:\none\ntwo"),
        ("$ false", "want exit 0, got 1"),
        ("$ true  # exit 1", "want exit 1, got 0"),
        ("one", "want a command"),
    ],
)
def test_a_difference_is_noticed(tmp_path: Path, block: str, complaint: str) -> None:
    """Another line, a line more, another exit code or no command at all is an error that names the line."""
    doc = document(tmp_path / "d", f"~~~console\n{block}\n~~~\n")
    with pytest.raises(DocumentDiffers, match=r"(?:doc\.md:|line )2") as caught:
        run_document(doc, tmp_path)
    assert complaint in str(caught.value)


def test_dots_stand_for_text_and_for_lines() -> None:
    """``…`` matches within its line only; alone on a line it matches any number of lines."""
    assert matches(("a … d",), "a b c d\n")
    assert not matches(("a … d",), "a b\nc d\n")
    assert matches(("a", "…"), "a\n")
    assert matches(("a", "…", "d"), "a\nb\nc\nd\n")
    assert not matches(("a", "…", "d"), "a\nb\nc\n")


def test_blocks_and_commands_are_read_as_markdown_shows_them() -> None:
    """A block in four backquotes may hold three; a note holds for the block directly under it."""
    text = "<!-- not run: far -->\n\n````md\n```console\n$ no\n```\n````\n```console\n$ yes\nout\n```\n"
    first, second = blocks(text)
    assert (first.language, first.note) == ("md", None)
    (command,) = commands(second)
    assert (command.line, command.text, command.shown) == (9, "yes", ("out",))
