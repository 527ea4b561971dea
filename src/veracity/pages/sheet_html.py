"""A sheet as one file of HTML: no script, nothing to load, its evidence linked by number."""

from collections.abc import Mapping

from veracity.pages.document import document
from veracity.pages.html import Html, joined, tag
from veracity.pages.sheet import Cell, Line, Part, Sheet, Table

SHEET_STYLE = """
.refs{font-size:.75rem;white-space:nowrap}.refs a{text-decoration:none;margin-left:.15rem}
.line{display:block}
.line.stale{color:var(--bad);font-weight:700}
.line.stale::before{content:"\\25B2\\00A0"}
.line.todo{border-left:.25rem solid var(--bad);padding-left:.5rem;margin:.2rem 0}
.line.good{font-weight:600}
.line.soft{font-weight:400;color:var(--soft)}
.sheet td,.sheet tbody th{overflow-wrap:anywhere}
.sheet caption{padding:.75rem 0 .25rem;font-weight:600}
.asked{table-layout:fixed}.asked thead th:first-child{width:27%}.asked thead th:last-child{width:9.5rem}
.evidence{font-size:.8rem}.evidence td:first-child{width:2.5rem}
@media (max-width:40rem){.asked thead{position:absolute;clip-path:inset(50%)}
.asked tr,.asked td,.asked th{display:block;width:auto!important;border:0}
.asked tr{border-bottom:1px solid var(--rule);padding:.5rem 0}}
"""


def sheet_html(sheet: Sheet, pictures: Mapping[str, Html] | None = None, style: str = "") -> bytes:
    """Return a sheet as HTML in UTF-8. The same sheet gives the same bytes.

    ``pictures`` stand at the head of the parts of their names, in ``style``.
    """
    links = [tag("a", p.title, href=f"#{p.name}") for p in sheet.parts]
    links.append(tag("a", sheet.words["evidence"], href="#evidence"))
    drawn = pictures or {}
    return document(
        sheet.title,
        _head(sheet),
        tag("nav", *links, aria_label=sheet.words["contents"]),
        *(_part(p, drawn.get(p.name)) for p in sheet.parts),
        _evidence(sheet),
        style=SHEET_STYLE + style,
        lang=sheet.lang,
    )


def _head(sheet: Sheet) -> Html:
    marks = [tag("p", tag("span", m, class_="sim")) for m in sheet.marks]
    facts = [part for name, value in sheet.facts for part in (tag("dt", name), tag("dd", value))]
    verdict = tag("p", sheet.verdict, class_="verdict" + ("" if sheet.good else " no"))
    about = [tag("p", line.text, class_="soft") for line in sheet.about]
    return joined([tag("h1", sheet.title), *marks, *about, verdict, tag("dl", *facts)])


def _part(part: Part, picture: Html | None) -> Html:
    lines = [tag("p", line.text, class_="soft" if line.tone == "soft" else None) for line in part.lines]
    return tag(
        "section",
        tag("h2", part.title, id=part.name),
        *lines,
        picture,
        *(_table(t) for t in part.tables),
        aria_labelledby=part.name,
    )


def _table(table: Table) -> Html:
    heads = [tag("th", name, scope="col") for name in table.head]
    rows = [
        tag("tr", tag("th", *_lines(row[0]), scope="row"), *(tag("td", *_lines(cell)) for cell in row[1:]))
        for row in table.rows
    ]
    caption = tag("caption", table.name) if table.name else None
    kind = "sheet asked" if len(table.head) == 3 and not table.name else "sheet"
    inner = tag("table", caption, tag("thead", tag("tr", *heads)), tag("tbody", *rows), class_=kind)
    return tag("div", inner, class_="wide")


def _lines(cell: Cell) -> list[Html]:
    return [_line(line) for line in cell]


def _line(line: Line) -> Html:
    refs = [tag("a", f"[{n}]", href=f"#e{n}") for n in line.refs]
    marked = tag("span", *refs, class_="refs") if refs else None
    return tag("span", line.text, marked, class_=f"line {line.tone}")


def _evidence(sheet: Sheet) -> Html:
    rows = [
        tag(
            "tr",
            tag("td", str(n), id=f"e{n}"),
            tag("td", entry),
            tag("td", place),
            tag("td", tag("code", sha256)),
        )
        for n, (entry, sha256, place) in enumerate(sheet.refs, 1)
    ]
    names = ("", sheet.words["entry"], sheet.words["place"], sheet.words["object"])
    heads = tag("tr", *(tag("th", name, scope="col") for name in names))
    inner = tag("table", tag("thead", heads), tag("tbody", *rows), class_="sheet evidence")
    return tag(
        "section",
        tag("h2", sheet.words["evidence"], id="evidence"),
        tag("p", sheet.words["check"], class_="soft"),
        tag("div", inner, class_="wide"),
        aria_labelledby="evidence",
    )
