"""Write what the portal knows of encodings: ``python web/portal/make_encodings.py``.

Browsers decode by other tables: each byte stands for something there, and latin1 means windows-1252. So the
page holds Python's own, of the encodings that have one byte for each character.
"""

import json
from encodings.aliases import aliases
from pathlib import Path

PATH = Path(__file__).parent / "src" / "views" / "verify" / "encoding_table.ts"
CODECS = (
    "latin_1",
    "ascii",
    "cp874",
    "cp1250",
    "cp1251",
    "cp1252",
    "cp1254",
    "cp1257",
    "cp1258",
    "iso8859_2",
    "iso8859_15",
)
NONE = "\ufffd"  #: where a byte stands for nothing
HEAD = """\
// How texts that are not UTF-8 are read, as Python does. Written by `make_encodings.py`.

/** Stands for a byte that is none of an encoding's. */
export const NONE = "\\ufffd";

/** What the bytes from 128 on stand for; the names of the encoding. */
export const TABLE: readonly (readonly [upper: string, names: string])[] = [
"""


def characters(codec: str) -> list[str | None]:
    """Return what each byte stands for; None where the codec refuses it."""
    found: list[str | None] = []
    for byte in range(256):
        try:
            found.append(bytes([byte]).decode(codec))
        except UnicodeDecodeError:
            found.append(None)
    return found


def names(codec: str) -> list[str]:
    """Return what a codec is called, as Python folds names."""
    return sorted(
        {codec, *(alias for alias, name in aliases.items() if name == codec and not alias.isdigit())}
    )


def text() -> str:
    """Return the module."""
    lines = []
    for codec in CODECS:
        upper = "".join(NONE if one is None else one for one in characters(codec)[128:])
        lines.append(f'  [{json.dumps(upper)}, "{" ".join(names(codec))}"],\n')
    return HEAD + "".join(lines) + "];\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
