"""A model card as a sheet: facts in tables, evidence by number, stale facts marked with what is so now."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from veracity.models.card import Card, Words
from veracity.models.card_facts import Section
from veracity.models.card_truth import Difference
from veracity.models.dossier.answer import Lang
from veracity.models.facts import Fact
from veracity.pages.sheet import Cell, Line, Part, References, Sheet, Table, plain
from veracity.pages.sheet_words import frame_words, shown_value, word


def card_sheet(card: Card, lang: Lang, changed: Sequence[Difference] | None, size: int | None) -> Sheet:
    """Return a card as a sheet.

    Parameters
    ----------
    changed
        What ``staleness`` found; None where the card was held against nothing.
    size
        The size of the log that it was held against.
    """

    def say(name: str, **filled: str) -> str:
        return word(lang, "says", name, **filled)

    refs = References(say("declared"), say("none"))
    stale = {d.name: d for d in changed or ()}
    shown = str(size or card.size)
    if changed is None:
        verdict = say("unchecked")
    elif stale:
        verdict = say("stale", n=str(len(stale)), size=shown)
    else:
        verdict = say("fresh", size=shown)
    parts = [_part(s, lang, stale, refs) for s in card.sections]
    parts += [_said(card.words, lang)] if card.words else []
    return Sheet(
        lang=lang,
        title=f"{say('card')}: {card.name}",
        about=plain(say("computed", origin=card.origin, last=str(card.size - 1))),
        marks=(say("simulated"),) if card.simulated else (),
        verdict=verdict,
        good=changed is not None and not stale,
        facts=((say("digest"), card.sha256), (say("of_log"), f"{card.origin}, {card.size}")),
        parts=tuple(parts),
        refs=refs.listed(),
        words=frame_words(lang),
    )


def _part(section: Section, lang: Lang, stale: Mapping[str, Difference], refs: References) -> Part:
    new = [d for d in stale.values() if d.why == "missing" and d.name.split(".")[0] == section.name]
    alone = [f for f in section.facts if not f.of]
    many = [f for f in section.facts if f.of]
    tables = [_facts(alone, new, lang, stale, refs)] if alone or new else []
    for kind, group in groupby(many, key=lambda f: ".".join(f.name.split(".")[:2])):
        named = word(lang, "tables", kind.partition(".")[2])
        tables.append(_pivot(named, list(group), lang, stale, refs))
    lines = () if tables else plain(word(lang, "says", "nothing"), "soft")
    return Part(section.name, word(lang, "sections", section.name), lines, tuple(tables))


def _facts(
    facts: Iterable[Fact],
    new: Iterable[Difference],
    lang: Lang,
    stale: Mapping[str, Difference],
    refs: References,
) -> Table:
    head = tuple(word(lang, "says", name) for name in ("fact", "value"))
    rows = [(plain(word(lang, "labels", f.label)), _value(f, lang, stale, refs)) for f in facts]
    for d in new:
        told = f"{shown_value(d.found, '', lang)} ({word(lang, 'says', 'new')})"
        rows.append((plain(d.name), plain(told, "stale", refs.number(d.evidence))))
    return Table(head, tuple(rows))


def _pivot(
    name: str, facts: Sequence[Fact], lang: Lang, stale: Mapping[str, Difference], refs: References
) -> Table:
    """Return facts that are alike as one table: what they are of down, labels across."""
    labels = list(dict.fromkeys(f.label for f in facts))
    rows: dict[tuple[str, ...], dict[str, Fact]] = {}
    for f in facts:
        rows.setdefault(f.of, {})[f.label] = f
    n_of = max(len(of) for of in rows)
    head = (*[""] * n_of, *(word(lang, "labels", label) for label in labels))
    body = []
    for of, by_label in rows.items():
        named = [plain(part) for part in (*of, *[""] * (n_of - len(of)))]
        cells = [_value(by_label[n], lang, stale, refs) if n in by_label else plain("") for n in labels]
        body.append((*named, *_once(cells)))
    return Table(head, tuple(body), name)


def _once(cells: Sequence[Cell]) -> list[Cell]:
    """Show a row's evidence at its last cell only, where all of it is the same."""
    shared = {cell[0].refs for cell in cells if cell[0].text}
    if len(shared) > 1:
        return list(cells)
    bare = [tuple(Line(line.text, line.tone) for line in cell) for cell in cells[:-1]]
    (refs,) = shared or {()}
    last = cells[-1]
    return [*bare, (Line(last[0].text, last[0].tone, refs), *last[1:])]


def _value(f: Fact, lang: Lang, stale: Mapping[str, Difference], refs: References) -> Cell:
    text, at = shown_value(f.value, f.unit, lang), refs.number(f.evidence)
    changed = stale.get(f.name)
    if changed is None:
        return plain(text, refs=at)
    now = word(lang, "says", "gone")
    if changed.why == "denied":
        now = word(lang, "says", "now", value=shown_value(changed.found, f.unit, lang))
    return (Line(text, "stale", at), Line(now, "stale", refs.number(changed.evidence)))


def _said(words: Iterable[Words], lang: Lang) -> Part:
    lines = []
    for w in words:
        about = word(lang, "sections", w.about)
        lines.append(Line(word(lang, "says", "said_by", by=w.by, about=about), "soft"))
        lines.append(Line(w.text))
        if w.claims:
            lines.append(Line(word(lang, "says", "claims", n=str(len(w.claims))), "soft"))
    return Part("said", word(lang, "says", "said"), tuple(lines))
