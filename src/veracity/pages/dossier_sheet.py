"""A dossier as a sheet: a table a group, each requirement with its answer, its status and its evidence."""

from veracity.models.dossier.answer import Lang
from veracity.models.dossier.dossier import NOTHING, Answered, Dossier
from veracity.models.dossier.framework import Group
from veracity.pages.sheet import Cell, Line, Part, References, Sheet, Table, Tone, plain
from veracity.pages.sheet_words import frame_words, word


def dossier_sheet(dossier: Dossier, lang: Lang) -> Sheet:
    """Return a dossier as a sheet."""

    def say(name: str, **filled: str) -> str:
        return word(lang, "says", name, **filled)

    f, k = dossier.framework, dossier.known
    refs = References(say("declared"), say("none"))
    by_id = {a.requirement.id: a for a in dossier.answers}
    unknown = Part("not-known", say("not_known"), tuple(Line(w[lang]) for w in f.unknown))
    groups = [_group(i, g, by_id, lang, refs) for i, g in enumerate(f.groups)]
    sources = Part("sources", say("sources"), tuple(Line(s) for s in f.sources))
    return Sheet(
        lang=lang,
        title=f.title[lang],
        about=plain(f.about[lang]),
        marks=(say("simulated"),) if k.simulated else (),
        verdict=coverage_words(dossier, lang),
        good=dossier.coverage["person"] == 0,
        facts=(
            (word(lang, "labels", "system"), f"{k.app.title.get(lang) or k.app.title['en']} ({k.system})"),
            (word(lang, "labels", "of_model"), f"{k.train.it.name}, {k.train.it.model_sha256}"),
            (say("of_log"), f"{k.origin}, {k.size}"),
        ),
        parts=(unknown, *groups, sources),
        refs=refs.listed(),
        words=frame_words(lang),
    )


def coverage_words(dossier: Dossier, lang: Lang) -> str:
    """Say how many requirements are answered from evidence, need a person, or do not apply."""
    c = dossier.coverage
    return word(
        lang,
        "says",
        "coverage",
        requirements=str(c["requirements"]),
        evidence=str(c["evidence"]),
        and_person=str(c["evidence_and_person"]),
        person=str(c["person"]),
        na=str(c["not-applicable"]),
        missing=str(c["evidence_missing"]),
    )


def _group(i: int, group: Group, answers: dict[str, Answered], lang: Lang, refs: References) -> Part:
    head = tuple(word(lang, "says", name) for name in ("asked", "answer", "status"))
    rows = tuple(_row(answers[r.id], lang, refs) for r in group.requirements)
    return Part(f"group-{i + 1}", group.title[lang], (), (Table(head, rows),))


def _row(a: Answered, lang: Lang, refs: References) -> tuple[Cell, ...]:
    r = a.requirement
    asked = [Line(r.number[lang]), Line(r.asks[lang], "soft")]
    if r.checks is not None:
        asked.append(Line(word(lang, "says", "checks", n=str(r.checks)), "soft"))
    shown = [p for p in a.points if p.sentence != NOTHING]
    answer = [Line(p.text(lang), "plain", refs.number(*p.evidence)) for p in shown]
    if a.status == "evidence":
        answer += [Line(word(lang, "says", "lacking", how=how), "todo") for how in a.missing]
    if a.person is not None:
        told = word(lang, "says", "todo", who=a.person.who[lang], what=a.person.what[lang])
        answer.append(Line(told, "todo"))
        if a.status == "person" and r.person is not None:
            answer += [Line(word(lang, "says", "lacking", how=how), "todo") for how in a.missing]
    return tuple(asked), tuple(answer), plain(*_status(a, lang))


def _status(a: Answered, lang: Lang) -> tuple[str, Tone]:
    if a.status == "not-applicable":
        return word(lang, "says", "na"), "soft"
    if a.status == "person":
        return word(lang, "says", "person_of"), "todo"
    return word(lang, "says", "evidence_of" if a.person is None else "evidence_and"), "good"
