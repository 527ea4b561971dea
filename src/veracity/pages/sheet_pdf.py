"""A sheet as PDF, by Typst: PDF/A-2a, tagged, with the fonts that come with it, which carry Vietnamese.

Needs the extra ``pdf``. The same sheet and Typst give the same bytes: no font of the machine is used, and no
time stamp but the one given.
"""

import json
from importlib import resources
from typing import Literal

from veracity.errors import Unavailable
from veracity.pages.sheet import Sheet

STANDARD: Literal["a-2a"] = "a-2a"


class MissingTypesetter(Unavailable):
    """The library that writes PDF is not installed, or could not write this sheet."""

    code = "missing-typesetter"


def sheet_pdf(sheet: Sheet, timestamp_s: int) -> bytes:
    """Return a sheet as PDF.

    Parameters
    ----------
    timestamp_s
        The time that the file says it was made, seconds since 1970.

    Raises
    ------
    MissingTypesetter
        Without the extra ``pdf``.
    """
    try:
        import typst
    except ImportError as exc:
        raise MissingTypesetter('pdf: want the extra, pip install "veracity[pdf]", got no typst') from exc
    source = resources.files("veracity.pages").joinpath("sheet.typ").read_bytes()
    data = json.dumps(sheet.to_document(), ensure_ascii=False, sort_keys=True)
    try:
        pdf = typst.compile(
            source,
            format="pdf",
            sys_inputs={"data": data},
            ignore_system_fonts=True,
            pdf_standards=STANDARD,
            timestamp=timestamp_s,
        )
    except RuntimeError as exc:
        first = (str(exc).splitlines() or [""])[0]
        raise MissingTypesetter(f"pdf: want a sheet that can be typeset, got: {first[:300]}") from exc
    return bytes(pdf)
