"""What a log says of a system holds together, or the statement that does not is named."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import orjson
import pytest
from model_world import (
    ASSURE,
    CARD,
    DECIDE_AT,
    INPUTS,
    MODEL_STATEMENTS,
    RELEASE_AT,
    REPORT,
    TRAIN,
    Life,
    at,
    decided,
    digest,
    incident,
    overridden,
    released,
    scored,
)
from receipt_world import World

from veracity.provenance.contradictions import Contradictions, systems
from veracity.provenance.statements import Input, Typed, typed

WORLD = World()
BATCHES: list[tuple[int, Any]] = [
    (i, typed(WORLD.prove(i).statement)) for i in range(WORLD.contract_index + 1)
]
BATCHES += [
    (index, replace(s, table=replace(s.table, version=part + 1)))  # the world counts its tables from 0
    for part, index in enumerate(WORLD.ingest_indices)
    if (s := WORLD.ingest(part)).table is not None
]
LIFE = [*BATCHES, *Life().said]
OTHER = digest("other")
END = LIFE[-1][0] + 1
Said = Sequence[tuple[int, Any]]


def codes(said: Said) -> list[str]:
    memory = Contradictions()
    return [c.what for index, statement in said for c in memory.add(index, statement)]


def changed(index: int, change: Callable[[Any], Any]) -> Said:
    return [(i, change(s) if i == index else s) for i, s in LIFE]


def without(index: int) -> Said:
    return [(i, s) for i, s in LIFE if i != index]


def test_an_honest_life_has_no_contradiction() -> None:
    """Trained, assured, released, run, overridden, scored, an incident, stopped, rolled back, run again."""
    assert codes(LIFE) == []


def test_a_memory_written_and_read_at_every_entry_says_the_same() -> None:
    """What is kept between two entries is plain JSON, and loses nothing."""
    memory = Contradictions()
    broken = [*LIFE, (END, decided(18, 2, made_at=at(1)))]
    found = []
    for index, statement in broken:
        memory = Contradictions.from_object(orjson.loads(orjson.dumps(memory.to_object())))
        found += [c.what for c in memory.add(index, statement)]
    assert found == codes(broken) == ["made-before-release", "run-repeated", "made-backwards"]


CHANGED: list[tuple[int, Callable[[Any], Any], set[str]]] = [
    (6, lambda s: replace(s, inputs=(Input("air-quality", 2, OTHER),)), {"input-unsaid"}),
    (6, lambda s: replace(s, inputs=(Input("rain", 0, OTHER),)), {"input-unsaid"}),
    (6, lambda s: replace(s, simulated=False), {"simulated"}),
    (7, lambda s: replace(s, simulated=False), {"simulated"}),
    (7, lambda s: replace(s, name="other"), {"name-differs"}),
    (7, lambda s: replace(s, model_sha256=OTHER), {"model-unsaid", "report-of-another"}),
    (7, lambda s: replace(s, failed=1, verdict="failed"), {"report-failed"}),
    (8, lambda _: released(replaces=5), {"replaces-another"}),
    (8, lambda _: released(model=OTHER, reports=()), {"model-unsaid", "release-differs"}),
    (8, lambda _: released(reports=(OTHER,)), {"report-unsaid"}),
    (8, lambda _: released(stage="act"), {"release-differs"}),
    (8, lambda _: released(simulated=False), {"simulated"}),
    (8, lambda _: released(time=at(7, 6)), {"made-before-release"}),
    (9, lambda s: replace(s, release=7), {"release-not-in-force"}),
    (9, lambda s: replace(s, model_sha256=OTHER), {"release-differs"}),
    (9, lambda s: replace(s, stage="act"), {"release-differs"}),
    (9, lambda s: replace(s, simulated=False), {"simulated"}),
    (9, lambda s: replace(s, made_at=at(5)), {"made-before-release"}),
    (9, lambda s: replace(s, inputs=(replace(INPUTS[0], up_to_batch=9),)), {"input-unsaid"}),
    (10, lambda s: replace(s, run=0), {"run-repeated"}),
    (10, lambda s: replace(s, run=2), {"run-skipped"}),
    (10, lambda s: replace(s, made_at=at(7)), {"made-backwards"}),
    (11, lambda _: overridden(run=2), {"decision-unsaid"}),
    (11, lambda _: overridden(record=70), {"decision-unsaid"}),
    (11, lambda s: replace(s, simulated=False), {"simulated"}),
    (12, lambda s: replace(s, runs=(0, 2)), {"run-unsaid"}),
    (12, lambda s: replace(s, scored_at=at(8)), {"scored-early"}),
    (12, lambda s: replace(s, simulated=False), {"simulated"}),
    (12, lambda s: replace(s, scores=replace(s.scores, sha256=OTHER)), {"scoring-broken"}),
    (13, lambda s: replace(s, before=OTHER), {"scoring-broken"}),
    (13, lambda s: replace(s, number=2), {"scoring-skipped"}),
    (13, lambda s: replace(s, number=0, before=None), {"scoring-repeated", "scoring-broken"}),
    (13, lambda s: replace(s, until=at(8)), {"scored-backwards"}),
    (15, lambda _: incident("opened"), {"incident-order"}),
    (15, lambda _: incident("updated", at(10)), {"said-backwards"}),
    (15, lambda s: replace(s, simulated=False), {"simulated"}),
    (17, lambda _: released("stop", "act", RELEASE_AT, time=at(14), rule="x"), {"release-differs"}),
    (17, lambda _: released("stop", replaces=5, time=at(14), rule="x"), {"replaces-another"}),
    (17, lambda _: released("stop", replaces=8, time=at(5), rule="x"), {"released-backwards"}),
    (
        18,
        lambda _: released("roll-back", replaces=17, model=OTHER, reports=(), time=at(15)),
        {"never-served"},
    ),
    (18, lambda _: released("roll-back", replaces=RELEASE_AT, time=at(15)), {"replaces-another"}),
    (18, lambda _: released("stop", replaces=17, time=at(15), rule="x"), {"nothing-in-force"}),
    (19, lambda s: replace(s, release=RELEASE_AT), {"release-not-in-force"}),
]


@pytest.mark.parametrize(("index", "change", "want"), CHANGED)
def test_a_statement_said_otherwise_is_told(index: int, change: Callable[[Any], Any], want: set[str]) -> None:
    """One statement of a sound life that says something else contradicts the others, and is named."""
    assert want <= set(codes(changed(index, change)))


@pytest.mark.parametrize(
    ("index", "want"),
    [
        (6, {"model-unsaid"}),
        (7, {"report-unsaid"}),
        (8, {"release-not-in-force", "replaces-another"}),
        (9, {"run-skipped"}),
        (12, {"scoring-skipped", "scoring-broken"}),
        (14, {"incident-order"}),
        (17, {"replaces-another"}),
        (18, {"release-not-in-force"}),
    ],
)
def test_a_statement_left_out_is_told(index: int, want: set[str]) -> None:
    """What others rest on cannot be missing."""
    assert want <= set(codes(without(index)))


@pytest.mark.parametrize(
    ("said", "want"),
    [
        (replace(TRAIN, trained_at=at(17)), []),
        (replace(TRAIN, name="other"), ["name-differs"]),
        (released(replaces=18, time=at(17)), []),
        (released(time=at(17)), ["replaces-another"]),  # the first approval again
        (overridden(2, 1, due=at(18), time=at(17)), []),
        (overridden(), ["overridden-late"]),
        (overridden(0, 2, due=at(10)), ["overridden-late"]),
        (incident("updated", at(14)), ["incident-order"]),
        (incident("closed", at(14)), ["incident-order"]),
        (incident("opened", at(14)), ["incident-order"]),
        (incident("opened", at(14), "another"), []),
        (incident("closed", at(14), "another"), ["incident-order"]),
        (decided(18, 1, made_at=at(17)), ["run-repeated"]),
        (scored(2, digest("scores 1"), runs=(2, 2), until=at(17), scored_at=at(18)), []),
        (MODEL_STATEMENTS["approve"], ["approval-alone"]),
    ],
)
def test_a_statement_more(said: Typed, want: list[str]) -> None:
    """A further statement is in order, or contradicts one that is named."""
    memory = Contradictions()
    for index, statement in LIFE:
        memory.add(index, statement)
    found = memory.add(END, said)
    assert [c.what for c in found] == want
    assert all(c.against is None or c.against < END for c in found)


def test_nothing_runs_after_a_stop() -> None:
    """A stopped system decides nothing, whatever release it names."""
    stopped = LIFE[:-2]
    for release in (RELEASE_AT, 17):
        assert codes([*stopped, (END, decided(release, 2))]) == ["release-not-in-force"]


def test_a_system_decides_by_rungs_that_need_no_model() -> None:
    """Before a release, after a stop, or when its files cannot be used: in order, and that is all."""
    bare = decided(None, 2, made_at=at(18))
    assert codes([*LIFE[:-2], (END, bare)]) == []
    assert codes([*LIFE, (END, replace(bare, run=3))]) == []
    assert codes([*LIFE, (END, bare)]) == ["run-repeated"]


def test_two_systems_are_apart() -> None:
    """What one system says is nothing to another."""
    rain = replace(decided(RELEASE_AT), system="rain")
    assert codes([*LIFE, (END, rain)]) == ["release-not-in-force"]
    other = released(time=at(17), system="rain")
    assert codes([*LIFE, (END, other), (END + 1, replace(rain, release=END, made_at=at(18)))]) == []


def test_a_system_too_many_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each entry of a system beyond the limit is told; of the others nothing changes."""
    monkeypatch.setattr(systems, "MAX_SYSTEMS", 1)
    rain = replace(decided(RELEASE_AT), system="rain")
    assert codes([*LIFE, (END, rain), (END + 1, rain)]) == ["too-many-systems"] * 2


def test_the_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty thousand runs later the memory is no larger than after two thousand, which it may hold."""
    for name in ("MAX_RUNS", "MAX_OVERRIDES", "MAX_INCIDENTS", "MAX_SERVED"):
        monkeypatch.setattr(systems, name, 500)
    memory, sizes, run = Contradictions(), [], decided(0)
    for n in range(10_000):
        memory.add(n, replace(run, run=n))
        if n + 1 in (1_000, 10_000):
            sizes.append(len(orjson.dumps(memory.to_object())))
    assert sizes[1] < sizes[0] * 1.1


def test_a_memory_of_other_types_is_refused() -> None:
    """Each part of the memory exchanged for something else is noticed when it is read."""
    memory = Contradictions()
    for index, statement in LIFE:
        memory.add(index, statement)
    good = orjson.dumps(memory.to_object())

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        return [path, *(p for key, item in items for p in places(item, (*path, key)))]

    for path in places(orjson.loads(good)):
        if not path or path[0] not in ("models", "systems"):
            continue
        for other in (-1, {"x": 1}, 1.5):
            spoilt = orjson.loads(good)
            place = spoilt
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = other
            with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
                Contradictions.from_object(spoilt)
    assert (DECIDE_AT, ASSURE.report_sha256, CARD) == (9, REPORT, digest("card"))


@pytest.mark.parametrize(
    ("said", "want"),
    [
        (overridden(2, 1, due=at(18), time=at(16, 20)), []),  # the same word again
        (overridden(2, 1, "{}", due=at(18), time=at(16, 30)), []),  # another mind: the last word counts
        (overridden(2, 1, "{}", due=at(18), time=at(16, 20)), ["overridden-backwards"]),
        (overridden(2, 1, "{}", due=at(18), time=at(16, 10)), ["overridden-backwards"]),
        (overridden(2, 1, due=at(18), time=at(16, 30), line=OTHER), ["decision-differs"]),
        (overridden(2, 2, "{}", due=at(18), time=at(16, 10)), []),  # of another decision
    ],
)
def test_a_second_word_on_one_decision(said: Typed, want: list[str]) -> None:
    """An officer may change their mind; an approval from before the last word cannot be used again."""
    first = overridden(2, 1, due=at(18), time=at(16, 20))
    assert codes([*LIFE, (END, first), (END + 1, said)]) == want
