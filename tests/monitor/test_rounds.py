"""Following a log: what is well, and each kind of misbehaviour by whoever holds the log's key."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

import veracity.monitor.look as look_module
from small_city import AGENCY, clock, key, log_entries, ndjson, new_city
from veracity.home.home import open_writer
from veracity.home.ingest import ingest
from veracity.log.checkpoints import Checkpoint
from veracity.log.merkle import EMPTY_ROOT
from veracity.log.notes import Signer, sign_note
from veracity.log.policy import Group, Policy
from veracity.monitor.errors import MalformedMonitorState, MonitorUnusable, UnknownFinding
from veracity.monitor.findings import MAX_OPEN, Book, Finding, OpenFinding
from veracity.monitor.misbehaviour import judge, parse_misbehaviour
from veracity.monitor.state import State, StateFile
from veracity.monitor.witnesses import quorum_time
from veracity.provenance.statements import Withdraw
from watched import HANOI, HUE, NOW, SIGNER, Clock, cosign, files, forge, http, kinds, policy, say, watch


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with three signed batches."""
    folder = tmp_path_factory.mktemp("city")
    root = new_city(folder / "city", signature="required")
    with open_writer(root, clock) as home:
        ingest(home, "rain", [ndjson(folder / "a.ndjson", 0, 300)], sign=key(AGENCY), records_per_part=128)
    return root


@pytest.fixture(scope="module")
def entries(city: Path) -> list[bytes]:
    return log_entries(city)


def log_of(root: Path) -> Path:
    return root / "store/log"


def other(n: int) -> bytes:
    """A statement of the operator's that contradicts nothing but itself: of a calibration never said."""
    return say(
        Withdraw("x", f"{n:064x}", "2026-09-01T00:00:00Z", "An", "why", "2026-09-01T00:00:00Z").to_statement()
    )


def test_an_honest_log_grows(city: Path, tmp_path: Path) -> None:
    """Round after round of a city that takes in files: nothing is found, each entry is checked once."""
    root = Path(shutil.copytree(city, tmp_path / "city"))
    with http(files(log_of(root))) as url:
        first = watch(url, tmp_path).round()
        assert (first.is_well, first.n_new, first.is_caught_up) == (True, first.size, True)
        for n in range(3):
            with open_writer(root, clock) as home:
                ingest(
                    home, "rain", [ndjson(tmp_path / f"{n}.ndjson", 1_000 * n + 1_000, 40)], sign=key(AGENCY)
                )
            made = watch(url, tmp_path).round()
            assert (made.is_well, made.n_new) == (True, 1), made.findings
        again = watch(url, tmp_path).round()
        assert (again.is_well, again.n_new, again.n_checked) == (True, 0, again.size)
        assert again.simulated


def shown(tmp_path: Path, first: list[bytes], then: list[bytes], rounds: int = 2) -> list[Any]:
    """Rounds of a monitor that sees one log and then, at the same place, another."""
    place = tmp_path / "place"
    made = []
    for n, said in enumerate((first, then)):
        place.unlink(missing_ok=True)
        place.symlink_to(forge(tmp_path / f"log{n}", said))
        made += [watch(place, tmp_path).round() for _ in range(1 if n == 0 else rounds)]
    return made


def proof(tmp_path: Path, made: Any) -> str:
    """The verdict on the one file of evidence."""
    (path,) = {o.finding.evidence for o in made.findings if o.finding.evidence}
    return judge(parse_misbehaviour(Path(path).read_bytes()), policy()).verdict


def test_another_log_of_the_same_size_is_proven(entries: list[bytes], tmp_path: Path) -> None:
    """The last entry exchanged: a split view, told once as new, with proof that anyone can check."""
    honest, seen, again = shown(tmp_path, entries, [*entries[:-1], other(1)])
    assert honest.is_well
    assert kinds(seen) == kinds(again) == {"split-view": 1}
    assert [o.is_new for o in seen.findings] == [True]
    assert [o.is_new for o in again.findings] == [False]
    assert proof(tmp_path, seen) == "proven"


def test_a_rewritten_log_that_has_grown_is_proven(entries: list[bytes], tmp_path: Path) -> None:
    """An entry exchanged and others added: the larger tree itself shows that it begins otherwise."""
    _, seen, again = shown(tmp_path, entries, [*entries[:-1], other(1), other(2), other(3)])
    assert kinds(seen) == kinds(again) == {"split-view": 1}
    assert seen.n_new == 0, "entries of a fork are not followed"
    assert proof(tmp_path, again) == "proven"
    assert len(list(tmp_path.glob("misbehaviour-*"))) == 1


def test_a_log_rolled_back_is_found(entries: list[bytes], tmp_path: Path) -> None:
    """Fewer entries than before: both checkpoints are kept; alone they prove nothing, and it is said so."""
    _, seen, _ = shown(tmp_path, entries, entries[:-1])
    assert kinds(seen) == {"rollback": 1}
    assert proof(tmp_path, seen) == "not-proven"


def test_a_log_that_came_back_stays_found(entries: list[bytes], tmp_path: Path) -> None:
    """After a rollback the log is well again: what was, was, until a person acknowledges it."""
    shown(tmp_path, entries, entries[:-1])
    back = watch(forge(tmp_path / "back", entries), tmp_path)
    made = back.round()
    assert kinds(made) == {"rollback": 1}
    back.state.book.acknowledge([made.findings[0].finding.id], "a backup, restored by mistake")
    back.save()
    made = watch(tmp_path / "back", tmp_path).round()
    assert made.is_well
    assert [o.acknowledged for o in made.findings] == ["a backup, restored by mistake"]
    with pytest.raises(UnknownFinding):
        back.state.book.acknowledge(["00000000"], "")


def test_a_log_that_does_not_show_its_tiles_is_found(entries: list[bytes], tmp_path: Path) -> None:
    """A larger checkpoint over tiles that do not lead to it: no proof is to be had, which is told."""
    place = forge(tmp_path / "place", entries[:-1])
    watch(place, tmp_path).round()
    text = Checkpoint(SIGNER.name, len(entries), bytes(32)).format()
    (place / "checkpoint").write_bytes(sign_note(text, [SIGNER]))
    made = watch(place, tmp_path).round()
    assert kinds(made) == {"no-consistency": 1}
    assert proof(tmp_path, made) == "not-proven"
    shutil.rmtree(place)
    made = watch(forge(place, entries), tmp_path).round()
    assert made.is_well, "it passed, and is gone"


def remove(path: str) -> Callable[[Path], object]:
    return lambda place: (place / path).unlink()


def put(path: str, data: bytes) -> Callable[[Path], object]:
    return lambda place: (place / path).write_bytes(data)


EMPTY = Checkpoint(SIGNER.name, 0, EMPTY_ROOT)


@pytest.mark.parametrize(
    ("damage", "want"),
    [
        (remove("checkpoint"), "no-checkpoint"),
        (put("checkpoint", b"hello"), "malformed-note"),
        (put("checkpoint", sign_note(f"{SIGNER.name}\n01\nAAAA\n", [SIGNER])), "malformed-checkpoint"),
        (
            put("checkpoint", sign_note(EMPTY.format(), [Signer(SIGNER.name, bytes(32))])),
            "signature-rejected",
        ),
        (
            put("checkpoint", sign_note(EMPTY.format(), [Signer("x.example/y", bytes(32))])),
            "signature-rejected",
        ),
        (
            put(
                "checkpoint",
                sign_note("x.example/y\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n", [SIGNER]),
            ),
            "policy-rejected",
        ),
        (remove("tile/entries/000.p/6"), "missing-files"),
        (put("tile/entries/000.p/6", b""), "malformed-bundle"),
    ],
)
def test_what_is_published_and_is_no_log_is_found(
    entries: list[bytes], tmp_path: Path, damage: Callable[[Path], object], want: str
) -> None:
    """A checkpoint that is none or another's, files missing or damaged: found while it is so, gone after."""
    place = forge(tmp_path / "place", entries[:6])
    kept = {p: p.read_bytes() for p in place.rglob("*") if p.is_file()}
    damage(place)
    made = watch(place, tmp_path).round()
    assert kinds(made) == {want: 1}
    for path, data in kept.items():
        path.write_bytes(data)
    assert watch(place, tmp_path).round().is_well


def test_a_checkpoint_without_its_quorum_is_not_believed(entries: list[bytes], tmp_path: Path) -> None:
    """A policy that asks for two witnesses: one is not enough, and nothing is taken in."""
    place = forge(tmp_path / "place", entries)
    note = (place / "checkpoint").read_bytes()
    both = policy(quorum="both")
    (place / "checkpoint").write_bytes(cosign(note, HANOI))
    made = watch(place, tmp_path, both).round()
    assert kinds(made) == {"policy-rejected": 1}
    assert made.n_checked == 0
    (place / "checkpoint").write_bytes(cosign(cosign(note, HANOI), HUE))
    made = watch(place, tmp_path, both).round()
    assert made.is_well
    assert made.n_checked == len(entries)


def test_a_fork_is_found_without_its_quorum_too(entries: list[bytes], tmp_path: Path) -> None:
    """Whoever holds the key alone shows another tree: no witness cosigned it, and it is still proof."""
    both = policy(quorum="both")
    place = forge(tmp_path / "place", entries)
    note = (place / "checkpoint").read_bytes()
    (place / "checkpoint").write_bytes(cosign(cosign(note, HANOI), HUE))
    watch(place, tmp_path, both).round()
    made = watch(forge(tmp_path / "fork", [*entries[:-1], other(1)]), tmp_path, both).round()
    assert kinds(made) == {"policy-rejected": 1, "split-view": 1}


def test_a_checkpoint_grows_stale(entries: list[bytes], tmp_path: Path) -> None:
    """Without witnesses our own clock counts, since the checkpoint changed; with them, their newest time."""
    now = Clock()
    place = forge(tmp_path / "place", entries)
    assert watch(place, tmp_path, clock=now, max_age_s=100).round().is_well
    now.now += 101
    made = watch(place, tmp_path, clock=now, max_age_s=100).round()
    assert kinds(made) == {"stale-checkpoint": 1}
    assert made.checkpoint_age_s == 101
    note = (place / "checkpoint").read_bytes()
    (place / "checkpoint").write_bytes(cosign(note, HANOI, NOW + 50))
    trusted = policy(quorum="hanoi")
    assert watch(place, tmp_path, trusted, clock=now, max_age_s=100).round().is_well
    now.now += 100
    assert kinds(watch(place, tmp_path, trusted, clock=now, max_age_s=100).round()) == {"stale-checkpoint": 1}


def test_one_witness_that_lies_about_time_hides_no_stopped_log(entries: list[bytes], tmp_path: Path) -> None:
    """A time far ahead is a finding of that witness; age is since a quorum cosigned, or we saw it first."""
    place, now = forge(tmp_path / "place", entries), Clock()
    note = (place / "checkpoint").read_bytes()
    (place / "checkpoint").write_bytes(cosign(cosign(note, HANOI, 2**62), HUE, NOW))
    for quorum in ("hue", "both", "any", None):
        folder = tmp_path / str(quorum)
        folder.mkdir()
        now.now = NOW
        trusted = policy(quorum=quorum) if quorum != "any" else anybody()
        trusted = replace(trusted, witnesses={"hanoi": HANOI.verifier, "hue": HUE.verifier})
        made = watch(place, folder, trusted, clock=now, max_age_s=100).round()
        assert kinds(made) == {"witness-ahead": 1}
        assert [o.finding.where for o in made.findings] == ["witness hanoi"]
        now.now += 101
        made = watch(place, folder, trusted, clock=now, max_age_s=100).round()
        assert kinds(made) == {"witness-ahead": 1, "stale-checkpoint": 1}, quorum


def test_fresh_is_what_a_quorum_says() -> None:
    """Two of two: the older. One of two, or none asked for: the newer. Too few: nothing."""
    times = {"hanoi": 50, "hue": 70}
    assert quorum_time(policy(quorum="both"), times) == 50
    assert quorum_time(policy(quorum="hanoi"), times) == 50
    assert quorum_time(anybody(), times) == quorum_time(policy(), times) == 70
    assert quorum_time(policy(quorum="both"), {"hue": 70}) is None


#: Two findings whose names begin with the same eight digits: found by trying file names.
COLLIDING = (
    ("malformed-statement", 100, "want no other names, got 'note137632'"),
    ("file-used-twice", 101, "want part 0 of 'air-2026-09-39660.csv' once, got it again"),
)


def anybody() -> Policy:
    return replace(policy(quorum="any"), groups={"any": Group(1, ("hanoi", "hue"))})


def test_an_answered_finding_hides_no_other() -> None:
    """Two findings of one beginning of digits are two: the second is new though the first was answered."""
    one, two = (Finding(kind, f"log entry {n}", detail, is_lasting=True) for kind, n, detail in COLLIDING)
    assert one.id[:8] == two.id[:8]
    book = Book()
    book.add(one, "2026-01-01T00:00:00Z")
    assert book.names() == {one.id: one.id[:8]}
    book.acknowledge([one.id[:8]], "a typo")
    book = Book(OpenFinding.from_object({**o.to_object(), "id": one.id[:8]}) for o in book.opened)
    book.add(two, "2026-02-01T00:00:00Z")
    assert book.n_unanswered == 1
    assert [(o.finding.kind, o.acknowledged) for o in book.opened] == [
        (one.kind, "a typo"),
        (two.kind, None),
    ]
    names = book.names()
    assert len(set(names.values())) == 2
    for unclear in (one.id[:8], one.id[:7], ""):
        with pytest.raises(UnknownFinding, match=names[two.id] if unclear == one.id[:8] else "finding"):
            book.acknowledge([unclear], "")
    book.acknowledge([names[two.id]], "seen")
    assert book.n_unanswered == 0


def test_keys_not_in_the_policy_are_noted(entries: list[bytes], tmp_path: Path) -> None:
    """A signature line of a stranger is told, and is no finding."""
    place = forge(tmp_path / "place", entries)
    (place / "checkpoint").write_bytes(cosign((place / "checkpoint").read_bytes(), HANOI))
    made = watch(place, tmp_path).round()
    assert made.is_well
    assert any(HANOI.name in line for line in made.told)


def test_a_monitor_killed_anywhere_goes_on(
    entries: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at each write of its memory, it finds in the end what one that was not killed finds, once."""
    monkeypatch.setattr(look_module, "CHUNK", 2)
    forged = [*entries, *(other(n) for n in range(9)), b"no envelope", other(99)]
    place = forge(tmp_path / "place", forged)
    (tmp_path / "whole").mkdir()
    want = watch(place, tmp_path / "whole").round()
    assert kinds(want) == {"withdrawn-unsaid": 10, "malformed-envelope": 1}
    write = StateFile.write
    n_kills = 0

    def killed_after(n: int) -> Callable[[StateFile, State], None]:
        left = [n]

        def dying(file: StateFile, state: State) -> None:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            write(file, state)

        return dying

    while True:
        monkeypatch.setattr(StateFile, "write", killed_after(n_kills % 3))
        try:
            made = watch(place, tmp_path).round()
            break
        except KeyboardInterrupt:
            n_kills += 1
    assert n_kills > 3
    assert {o.finding.id for o in made.findings} == {o.finding.id for o in want.findings}
    assert made.n_checked == len(forged)


def test_what_is_found_is_bounded(entries: list[bytes], tmp_path: Path) -> None:
    """Two thousand forged statements: the first thousand are kept in full, the others counted."""
    place = forge(tmp_path / "place", [*entries, *(b"%d" % n for n in range(2_000))])
    made = watch(place, tmp_path).round()
    assert len(made.findings) == MAX_OPEN
    assert made.n_unanswered == 2_000
    again = watch(place, tmp_path).round()
    assert again.n_unanswered == 2_000
    assert not any(o.is_new for o in again.findings)


def test_a_size_that_nobody_holds_ends_the_round(tmp_path: Path) -> None:
    """2**62 entries, signed: the first that is missing ends it."""
    (tmp_path / "place").mkdir()
    text = Checkpoint(SIGNER.name, 2**62, bytes(32)).format()
    (tmp_path / "place/checkpoint").write_bytes(sign_note(text, [SIGNER]))
    assert kinds(watch(tmp_path / "place", tmp_path).round()) == {"missing-files": 1}


def test_the_memory_is_whole_or_refused(entries: list[bytes], tmp_path: Path) -> None:
    """Any byte of the memory changed is noticed; two monitors do not share one; it is small."""
    watch(forge(tmp_path / "place", entries), tmp_path).round()
    path = tmp_path / "state.json"
    data = path.read_bytes()
    assert len(data) < 20_000
    assert State.parse(data).format() == data
    for at in range(0, len(data), 61):
        with pytest.raises(MalformedMonitorState):
            State.parse(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(MalformedMonitorState):
            State.parse(data[:at])
    file = StateFile(path)
    with file.held(), pytest.raises(MonitorUnusable), StateFile(path).held():
        pass
    with pytest.raises(MonitorUnusable):
        StateFile(tmp_path / "none/state.json").write(State())
    assert [p.name for p in tmp_path.glob("*.new")] == []


@pytest.mark.parametrize(
    "other",
    [
        {"n_checked": 10**6},
        {"n_checked": -5},
        {"n_checked": "x"},
        {"n_checked": True},
        {"note": "garbage"},
        {"note": 5},
        {"note": None},
        {"changed_s": "a"},
        {"changed_s": -1},
        {"witnesses": {"a": ["x", 1, 2]}},
        {"witnesses": []},
        {"larger": {"a": ["x", 1]}},
        {"open": [{}]},
        {"open": [{"kind": 1, "where": "", "detail": "", "is_lasting": True, "evidence": None}]},
        {"more": {"a": -1}},
        {"more": {"a": "b"}},
        {"enrolments": [[0, "AAAA"]]},
        {"enrolments": [["0", ""]]},
        {"enrolments": None},
        {"contradictions": {}},
        {"contradictions": None},
    ],
)
def test_a_memory_that_is_no_memory_is_refused(
    other: dict[str, Any], entries: list[bytes], tmp_path: Path
) -> None:
    """Under a digest that is right, each field is still of its type, and no more is checked than was seen."""
    watch(forge(tmp_path / "place", entries), tmp_path).round()
    raw = orjson.dumps(orjson.loads((tmp_path / "state.json").read_bytes().split(b"\n")[1]) | other)
    head = {"schema": "veracity.monitor-state/v1", "sha256": sha256(raw).hexdigest()}
    with pytest.raises(MalformedMonitorState, match=r"^[^\n]+$"):
        State.parse(orjson.dumps(head) + b"\n" + raw + b"\n")


def test_a_log_of_another_name_is_not_this_one(entries: list[bytes], tmp_path: Path) -> None:
    """The place shows another log that the policy believes too: it is not the one remembered."""
    place = forge(tmp_path / "place", entries)
    watch(place, tmp_path).round()
    stranger = Signer("other.example/log", bytes(32))
    (place / "checkpoint").write_bytes(
        sign_note(Checkpoint(stranger.name, 0, EMPTY_ROOT).format(), [stranger])
    )
    trusted = policy()
    trusted = type(trusted)((*trusted.logs, stranger.verifier), {}, {}, None, {})
    assert kinds(watch(place, tmp_path, trusted).round()) == {"other-origin": 1}


def test_an_older_checkpoint_out_of_a_cache_is_asked_for_again(entries: list[bytes], tmp_path: Path) -> None:
    """Over HTTP a smaller tree may be an old answer: after the time that caches may keep it, it is not."""
    place, old = forge(tmp_path / "place", entries), forge(tmp_path / "old", entries[:-1])
    newest, older = ((p / "checkpoint").read_bytes() for p in (place, old))
    waited: list[float] = []

    def renewed(seconds: float) -> None:
        waited.append(seconds)
        (place / "checkpoint").write_bytes(newest)

    with http(files(place)) as url:
        assert watch(url, tmp_path).round().is_well
        (place / "checkpoint").write_bytes(older)
        assert watch(url, tmp_path, wait=renewed).round().is_well
        assert waited == [look_module.CACHE_S]
        (place / "checkpoint").write_bytes(older)
        for _ in range(2):
            assert kinds(watch(url, tmp_path, wait=waited.append).round()) == {"rollback": 1}
    assert len(waited) == 2, "not again while it is open"


def test_a_round_that_takes_too_long_goes_on_next_time(
    entries: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time is up: what was checked is written, the rest is told, and it is not called well."""
    place = forge(tmp_path / "place", entries)
    monkeypatch.setattr(look_module, "ROUND_S", -1.0)
    made = watch(place, tmp_path).round()
    assert (made.is_well, made.is_cut_short, made.n_new) == (False, True, 0)
    assert any(line.startswith("time is up") for line in made.told)
    monkeypatch.undo()
    made = watch(place, tmp_path).round()
    assert (made.is_well, made.n_new) == (True, len(entries))


def test_evidence_is_bounded(entries: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that goes back and forth, each time otherwise, fills no disk; a proof is kept all the same."""
    monkeypatch.setattr(look_module, "MAX_EVIDENCE", 2)
    place = forge(tmp_path / "place", entries)
    honest = (place / "checkpoint").read_bytes()
    watch(place, tmp_path).round()
    for n in range(5):
        text = Checkpoint(SIGNER.name, len(entries) + 1 + n, bytes([n]) * 32).format()
        (place / "checkpoint").write_bytes(sign_note(text, [SIGNER]))
        assert kinds(watch(place, tmp_path).round()) == {"no-consistency": 1}
        (place / "checkpoint").write_bytes(honest)
        assert watch(place, tmp_path).round().is_well
    assert len(list(tmp_path.glob("misbehaviour-*"))) == 2
    made = watch(forge(tmp_path / "fork", [*entries[:-1], other(1)]), tmp_path).round()
    assert kinds(made) == {"split-view": 1}
    assert len(list(tmp_path.glob("misbehaviour-*"))) == 3
