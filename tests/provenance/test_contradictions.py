"""Statements that cannot all be true: each kind planted in what real cities said, and told."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from calibrated_post import CONTRACT, DEFINITION, post
from small_city import AGENCY, PANEL, clock, contract, csv, key, log_entries, ndjson, new_city
from veracity.home.calibrations import fit_calibration, say_fitted
from veracity.home.certificates import certify
from veracity.home.contracts import add_feed
from veracity.home.corrections import correct, say_corrected, withdraw
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.home.panels import build_and_say
from veracity.home.releases import reject, release
from veracity.home.selection import Selection
from veracity.provenance.contradictions import Contradictions, feeds, files
from veracity.provenance.dsse import open_envelope, seal
from veracity.provenance.statements import (
    Calibrate,
    Certify,
    Counts,
    Delivery,
    Erase,
    Ingest,
    Reject,
    RowsDigest,
    SealedContract,
    Transform,
    Typed,
    Withdraw,
    format_statement,
    parse_statement,
    typed,
)

AN = "Nguyễn Thị An"
Said = list[tuple[int, Any]]


def said_by(root: Path) -> Said:
    """What a city's log says, in typed form."""
    read = [typed(parse_statement(open_envelope(e).payload)) for e in log_entries(root)]
    return [(i, s) for i, s in enumerate(read) if s is not None]


@pytest.fixture(scope="module")
def rain(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """Signed files in parts, a release, a rejection, a new contract, panels, a certificate."""
    folder = tmp_path_factory.mktemp("rain")
    root = new_city(folder / "city", signature="required")
    (folder / "panel.yaml").write_text(PANEL, encoding="utf-8")
    with open_writer(root, clock) as home:
        first = ndjson(folder / "a.ndjson", 0, 600)
        ingest(home, "rain", [first, csv(folder / "b.csv", 600, 100)], sign=key(AGENCY), records_per_part=128)
        ingest(home, "rain", [ndjson(folder / "unsigned.ndjson", 900, 20)])
        release(home, "rain", Selection(batch=0, records=(12,)), AN, "seen", ["range:rain"])
        reject(home, "rain", Selection(batch=1), AN, "broken")
        add_feed(home, contract(folder, version="1.1.0", signature="required", maximum=90))
        ingest(home, "rain", [ndjson(folder / "c.ndjson", 1_200, 60)], sign=key(AGENCY))
        build_and_say(home, folder / "panel.yaml")
    with open_writer(root, lambda: clock().replace(day=5)) as home:
        certify(home, "rain", date(2026, 9, 3))
        certify(home, "rain", date(2026, 9, 4))
        ingest(home, "rain", [ndjson(folder / "d.ndjson", 1_300, 60)], sign=key(AGENCY))
    return said_by(root)


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory: pytest.TempPathFactory) -> Said:
    """A calibration, corrected rows, a withdrawal."""
    folder = tmp_path_factory.mktemp("calibrated")
    root = new_city(folder / "city")
    (folder / "post.yaml").write_text(CONTRACT, encoding="utf-8")
    (folder / "cal.yaml").write_text(DEFINITION, encoding="utf-8")
    post(100, noise=1.0).write_csv(folder / "p.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    with open_writer(root, clock) as home:
        add_feed(home, folder / "post.yaml")
        ingest(home, "post", [folder / "p.csv"])
        fitted = say_fitted(home, fit_calibration(home, folder / "cal.yaml", "post"))
        assert fitted is not None
        say_corrected(home, correct(home, "post"))
        withdraw(home, "post", AN, "moved", clock())
        say_corrected(home, correct(home, "post", clock()))
    return said_by(root)


def codes(said: Sequence[tuple[int, Typed]]) -> list[str]:
    """What is told of statements taken in one by one, the memory written and read between any two."""
    told = []
    memory = Contradictions()
    for index, statement in said:
        told += [c.what for c in memory.add(index, statement)]
        memory = Contradictions.from_object(orjson.loads(orjson.dumps(memory.to_object())))
    return told


def changed(said: Said, kind: type, nth: int, change: Callable[[Any], Any]) -> Said:
    """The same log with one statement said otherwise."""
    at = [i for i, (_, s) in enumerate(said) if isinstance(s, kind)][nth]
    index, statement = said[at]
    return [*said[:at], (index, change(statement)), *said[at + 1 :]]


def again(said: Said, kind: type, nth: int, change: Callable[[Any], Any]) -> Said:
    """The same log with one statement said once more at its end, otherwise."""
    statement = [s for _, s in said if isinstance(s, kind)][nth]
    return [*said, (said[-1][0] + 1, change(statement))]


def test_a_city_does_not_contradict_itself(rain: Said, calibrated: Said) -> None:
    """All that a city says, of every kind, stands together; its memory is written and read at every step."""
    assert {type(s).__name__ for _, s in rain} >= {
        "Ingest",
        "Reject",
        "Transform",
        "Certify",
        "SealedContract",
    }
    assert {type(s).__name__ for _, s in calibrated} >= {"Calibrate", "Withdraw", "Transform"}
    assert codes(rain) == codes(calibrated) == []


OTHER = "ab" * 32


@pytest.mark.parametrize(
    ("kind", "nth", "change", "want"),
    [
        (Ingest, 1, lambda s: replace(s, batch=0), {"batch-repeated"}),
        (Ingest, 1, lambda s: replace(s, batch=9), {"batch-skipped", "batch-repeated"}),
        (Ingest, 1, lambda s: replace(s, received_at="2026-09-03T11:59:59.999999Z"), {"received-backwards"}),
        (Ingest, -1, lambda s: replace(s, received_at="2026-09-04T23:59:59Z"), {"certified-day"}),
        (Ingest, 1, lambda s: replace(s, contract_sha256=OTHER), {"contract-not-in-force"}),
        (Ingest, 1, lambda s: replace(s, simulated=False), {"simulated"}),
        (Ingest, 1, lambda s: replace(s, delivery=None), {"delivery"}),
        (Ingest, 1, lambda s: replace(s, table=replace(s.table, version=1)), {"table-version"}),
        (Ingest, 1, lambda s: replace(s, table=replace(s.table, version=7)), {"table-version"}),
        (Ingest, 1, lambda s: replace(s, checks=replace(s.checks, state_before=OTHER)), {"state-broken"}),
        (Ingest, 1, lambda s: replace(s, checks=replace(s.checks, state_after=OTHER)), {"state-broken"}),
        (Ingest, 2, lambda s: replace(s, checks=None), {"state-broken"}),
        (Ingest, 1, lambda s: replace(s, part=replace(s.part, index=3)), {"part-skipped", "file-used-twice"}),
        (Ingest, 1, lambda s: replace(s, part=replace(s.part, first_record=0)), {"part-skipped"}),
        (Ingest, 1, lambda s: replace(s, evidence=replace(s.evidence, root=OTHER)), {"delivery"}),
        (Ingest, 1, lambda s: replace(s, event_time=s.event_time[::-1]), {"event-time"}),
        (Ingest, 2, lambda s: replace(s, counts=counted(s.counts, blank=5)), {"certificate-sum"}),
        (SealedContract, 1, lambda s: replace(s, version="1.0.0"), {"contract-version"}),
        (SealedContract, 0, lambda s: replace(s, feed="snow"), {"no-contract"}),
        (Reject, 0, lambda s: replace(s, batches=(40,)), {"not-set-aside"}),
        (Reject, 0, lambda s: replace(s, rows=replace(s.rows, rows=10_000)), {"not-set-aside"}),
        (Reject, 0, lambda s: replace(s, simulated=False), {"simulated"}),
        (Transform, 0, lambda s: replace(s, simulated=False), {"simulated"}),
        (Certify, 0, lambda s: replace(s, asked=1), {"certificate-sum"}),
        (Certify, 0, lambda s: replace(s, batches=(0, 1)), {"certificate-sum"}),
        (Certify, 1, lambda s: replace(s, counts=Counts(1, 1, 0, 0)), {"certificate-sum"}),
        (Certify, 0, lambda s: replace(s, simulated=False), {"simulated"}),
    ],
)
def test_a_statement_said_otherwise_is_told(
    rain: Said, kind: type, nth: int, change: Callable[[Any], Any], want: set[str]
) -> None:
    """One statement of a sound log that says something else contradicts the others, and is named."""
    assert want <= set(codes(changed(rain, kind, nth, change)))


@pytest.mark.parametrize(
    ("kind", "nth", "change", "want"),
    [
        (Ingest, 0, lambda s: s, {"batch-repeated", "file-used-twice", "contract-not-in-force"}),
        (Ingest, 0, lambda s: replace(s, batch=100), {"batch-skipped", "file-used-twice"}),
        (SealedContract, 0, lambda s: replace(s, version="9"), {"contract-returns"}),
        (SealedContract, 1, lambda s: replace(s, sha256=OTHER), {"contract-version"}),
        (Reject, 0, lambda s: replace(s, why="once more"), {"decided-twice"}),
        (Certify, 0, lambda s: s, {"certified-twice"}),
        (Transform, 0, lambda s: replace(s, output=replace(s.output, sha256=OTHER)), {"output-differs"}),
        (Transform, 0, lambda s: with_input(s, 99), {"input-unsaid"}),
    ],
)
def test_a_statement_said_again_is_told(
    rain: Said, kind: type, nth: int, change: Callable[[Any], Any], want: set[str]
) -> None:
    """A second statement of what may be said once contradicts the first, and the first is named."""
    said = again(rain, kind, nth, change)
    memory = Contradictions()
    for index, statement in said[:-1]:
        assert memory.add(index, statement) == []
    found = memory.add(*said[-1])
    assert want <= {c.what for c in found}
    assert all(c.against is None or c.against < said[-1][0] for c in found)


@pytest.mark.parametrize(
    ("kind", "nth", "change", "want"),
    [
        (Calibrate, 0, lambda s: replace(s, document_sha256=OTHER), {"output-differs"}),
        (Calibrate, 0, lambda s: replace(s, name="other", engine="x"), {"name-differs"}),
        (Calibrate, 0, lambda s: with_input(s, 7), {"input-unsaid"}),
        (Calibrate, 0, lambda s: replace(s, simulated=False), {"simulated"}),
        (Withdraw, 0, lambda s: replace(s, document_sha256=OTHER), {"withdrawn-unsaid"}),
        (Withdraw, 0, lambda s: replace(s, name="other"), {"name-differs"}),
        (Withdraw, 0, lambda s: replace(s, reason="again"), {"withdrawn-twice"}),
    ],
)
def test_what_is_said_of_calibrations_is_held_together(
    calibrated: Said, kind: type, nth: int, change: Callable[[Any], Any], want: set[str]
) -> None:
    """A calibration is one document; it is taken back if it was said, and once."""
    assert want <= set(codes(again(calibrated, kind, nth, change)))


def test_corrections_differ_after_a_withdrawal(calibrated: Said) -> None:
    """The same correction made before and after a withdrawal may differ; made twice between, it may not."""
    at = next(i for i, (_, s) in enumerate(calibrated) if isinstance(s, Transform))
    index, first = calibrated[at]
    other = replace(first, output=replace(first.output, sha256=OTHER))
    assert codes([*calibrated[: at + 1], (index + 1, other)]) == ["output-differs"]
    assert codes([*calibrated, (calibrated[-1][0] + 1, other)]) == []


def test_a_delivery_for_another_file_is_told(rain: Said) -> None:
    """A batch beside which another file's signature lies is named."""

    def swap(s: Ingest) -> Ingest:
        assert s.delivery is not None
        said = Delivery.from_statement(parse_statement(s.delivery.payload))
        other = replace(said, file=replace(said.file, sha256=OTHER))
        return replace(s, delivery=seal(format_statement(other.to_statement()), [key(AGENCY)]))

    def spoil(s: Ingest) -> Ingest:
        return replace(s, delivery=seal(b"{}", [key(AGENCY)]))

    assert codes(changed(rain, Ingest, 1, swap)) == ["delivery"]
    assert codes(changed(rain, Ingest, 1, spoil)) == ["delivery"]


def test_a_release_of_what_was_not_set_aside_is_told(rain: Said) -> None:
    """Released rows must wait in a batch before."""
    nth = next(i for i, s in enumerate(s for _, s in rain if isinstance(s, Ingest)) if s.released)

    def from_later(s: Ingest) -> Ingest:
        assert s.released is not None
        return replace(s, released=replace(s.released, batches=(s.batch,)))

    assert codes(changed(rain, Ingest, nth, from_later)) == ["not-set-aside"]


def test_the_memory_is_bounded(rain: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty thousand files later the memory is no larger than after two thousand, which it may hold."""
    monkeypatch.setattr(files, "MAX_FILES", 2_000)
    template = next(s for _, s in rain if isinstance(s, Ingest))
    memory, sizes = Contradictions(), []
    for n in range(20_000):
        digest = replace(template.file.digest, sha256=sha256(b"%d" % n).hexdigest())
        part = replace(template.part, last=True)
        file = replace(template.file, digest=digest)
        memory.add(n, replace(template, batch=n, file=file, part=part, delivery=None))
        if n + 1 in (2_500, 20_000):
            sizes.append(len(orjson.dumps(memory.to_object()["files"])))
    assert sizes[1] < sizes[0] * 1.05
    assert sizes[1] < 2_000 * 130


def test_a_feed_too_many_is_told(rain: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a feed beyond the limit it is told, once, that it is not followed; it is accused of nothing else."""
    monkeypatch.setattr(feeds, "MAX_FEEDS", 1)
    first = next(s for _, s in rain if isinstance(s, SealedContract))
    said = [(0, replace(first, feed="other")), *((i + 1, s) for i, s in rain if i)]
    assert codes(said) == ["too-many-feeds"]
    monkeypatch.setattr(feeds, "MAX_BEYOND", 0)
    n_of_rain = sum(isinstance(s, SealedContract | Ingest | Certify | Reject) for _, s in rain)
    assert codes(said) == ["too-many-feeds"] * n_of_rain


def test_feeds_that_nobody_uses_hide_no_other(rain: Said) -> None:
    """2,048 feeds stated before the one that contradicts itself: it is told that it is not followed."""
    first = next(s for _, s in rain if isinstance(s, SealedContract))
    memory, told = Contradictions(), []
    for n in range(feeds.MAX_FEEDS + feeds.MAX_BEYOND + 5):
        told += [c.what for c in memory.add(n, replace(first, feed=f"other-{n}"))]
    told += [c.what for _, s in rain for c in memory.add(n + 1, s) if isinstance(s, Ingest)]
    assert told == ["too-many-feeds"] * (feeds.MAX_BEYOND + 5 + sum(isinstance(s, Ingest) for _, s in rain))
    assert len(memory.to_object()["beyond"]) == feeds.MAX_BEYOND


def test_erasures_that_cannot_be(rain: Said) -> None:
    """Erased records came in before, are erased once, and are as real as their feed."""
    at = rain[-1][0] + 1
    good = Erase(
        "rain", "2026-09-06T00:00:00Z", AN, "asked", "request", (0, 1), RowsDigest(3, OTHER), simulated=True
    )
    assert codes([*rain, (at, good)]) == []
    assert codes([*rain, (at, good), (at + 1, good)]) == ["erased-twice"]
    assert codes([*rain, (at, replace(good, batches=(0, 999)))]) == ["erased-unsaid"]
    assert codes([*rain, (at, replace(good, feed="snow"))]) == ["erased-unsaid", "simulated"]
    assert codes([*rain, (at, replace(good, simulated=False))]) == ["simulated"]


def test_a_memory_of_other_types_is_refused(rain: Said) -> None:
    """Each part of the memory exchanged for something else is noticed when it is read."""
    memory = Contradictions()
    for index, statement in rain:
        memory.add(index, statement)
    good = orjson.dumps(memory.to_object())

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        return [path, *(p for key, item in items for p in places(item, (*path, key)))]

    for path in places(orjson.loads(good))[1:]:
        for other in (-1, {"x": 1}, 1.5):
            changed_value = orjson.loads(good)
            place = changed_value
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = other
            try:
                Contradictions.from_object(changed_value)
            except (KeyError, TypeError, ValueError, AttributeError):
                continue
            pytest.fail(f"{path}: {other} was read")


def counted(counts: Counts, blank: int) -> Counts:
    return replace(counts, blank=counts.blank + blank)


def with_input(said: Any, up_to: int) -> Any:
    return replace(said, inputs=tuple(replace(i, up_to_batch=up_to) for i in said.inputs))
