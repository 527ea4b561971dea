"""The same log through other eyes: what witnesses show is held against what we are shown."""

from pathlib import Path

import pytest

from small_city import log_entries, new_city
from veracity.log.notes import Signer, parse_note, sign_note
from veracity.monitor.look import HELD_BACK_S
from veracity.monitor.misbehaviour import judge, parse_misbehaviour
from veracity.provenance.statements import SealedContract
from watched import HANOI, HUE, NOW, Clock, cosign, files, forge, http, kinds, policy, say, show, watch


def statement(n: int) -> bytes:
    """A new feed's contract: one entry more that nothing is wrong with."""
    return say(SealedContract(f"feed-{n}", "1", f"{n:064x}", None, "optional", True).to_statement())


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """A city's first three entries."""
    return log_entries(new_city(tmp_path_factory.mktemp("city") / "city"))


def note_of(folder: Path) -> bytes:
    return (folder / "checkpoint").read_bytes()


def test_a_witness_that_has_seen_the_same_is_told(entries: list[bytes], tmp_path: Path) -> None:
    """One has seen all, another less: both tell of the same log, with sizes, ages and lag."""
    log = forge(tmp_path / "log", entries)
    show(tmp_path / "hanoi", HANOI, note_of(log), NOW - 5)
    show(tmp_path / "hue", HUE, note_of(forge(tmp_path / "early", entries[:2])), NOW - 50)
    with http(files(tmp_path / "hanoi")) as hanoi, http(files(tmp_path / "hue")) as hue:
        made = watch(log, tmp_path, policy(hanoi=hanoi, hue=hue)).round()
    assert made.is_well
    lines = {w.name: (w.size, w.age_s, w.lag, w.problem) for w in made.witnesses}
    assert lines == {"hanoi": (3, 5, 0, None), "hue": (2, 50, 1, None)}


@pytest.mark.parametrize("n_others", [1, 3])
@pytest.mark.parametrize("n_shown", [1, 3])
def test_a_log_shown_differently_to_a_witness_is_proven(
    entries: list[bytes], tmp_path: Path, n_others: int, n_shown: int
) -> None:
    """One tree for us and another for the witness, of whatever sizes: found, in one or two rounds, proven."""
    ours = forge(tmp_path / "ours", [*entries, *(statement(n) for n in range(n_shown))])
    theirs = forge(tmp_path / "theirs", [*entries, *(statement(10 + n) for n in range(n_others))])
    show(tmp_path / "hanoi", HANOI, note_of(theirs))
    now = Clock()
    with http(files(tmp_path / "hanoi")) as url:
        made = watch(ours, tmp_path, policy(hanoi=url), clock=now).round()
        if n_others > n_shown:
            assert kinds(made).get("split-view") is None
            now.now += HELD_BACK_S
            made = watch(ours, tmp_path, policy(hanoi=url), clock=now).round()
            assert kinds(made)["held-back"] == 1
            ours = forge(tmp_path / "grown", [*entries, *(statement(n) for n in range(5))])
            made = watch(ours, tmp_path, policy(hanoi=url), clock=now).round()
    split = [o.finding for o in made.findings if o.finding.kind == "split-view"]
    assert [f.where for f in split] == ["witness hanoi"]
    assert split[0].evidence is not None
    found = parse_misbehaviour(Path(split[0].evidence).read_bytes())
    assert judge(found, policy()).verdict == "proven"


def test_a_log_held_back_from_us_is_found_when_it_stays_so(entries: list[bytes], tmp_path: Path) -> None:
    """A witness is ahead for a moment: told. For a minute: found. When we are shown it too: gone."""
    ours = forge(tmp_path / "ours", entries[:2])
    whole = forge(tmp_path / "whole", entries)
    show(tmp_path / "hanoi", HANOI, note_of(whole))
    now = Clock()
    with http(files(tmp_path / "hanoi")) as url:
        trusted = policy(hanoi=url)
        made = watch(ours, tmp_path, trusted, clock=now).round()
        assert made.is_well
        assert any("has seen 3 entries" in line for line in made.told)
        now.now += HELD_BACK_S
        made = watch(ours, tmp_path, trusted, clock=now).round()
        assert kinds(made) == {"held-back": 1}
        made = watch(whole, tmp_path, trusted, clock=now).round()
        assert made.is_well, made.findings


def test_a_witness_that_is_down_hides_nothing(entries: list[bytes], tmp_path: Path) -> None:
    """What a witness showed once counts, though it does not answer any more."""
    ours, theirs = forge(tmp_path / "ours", entries[:2]), forge(tmp_path / "theirs", [*entries, statement(1)])
    show(tmp_path / "hanoi", HANOI, note_of(theirs))
    with http(files(tmp_path / "hanoi")) as url:
        watch(ours, tmp_path, policy(hanoi=url)).round()
    grown = forge(tmp_path / "grown", [*entries, statement(2), statement(3)])
    made = watch(grown, tmp_path, policy(hanoi=url)).round()
    assert kinds(made) == {"split-view": 1}
    assert made.witnesses[0].problem is not None
    assert any(line.startswith("witness hanoi: ") for line in made.told)


def test_what_a_witness_shows_must_be_its_own(entries: list[bytes], tmp_path: Path) -> None:
    """Nothing, garbage, a note without its line, of another log or key: told, and no finding of the log."""
    log = forge(tmp_path / "log", entries)
    note = note_of(log)
    stranger = Signer("other.example/log", bytes(32))
    forged = sign_note(parse_note(note).text, [stranger])
    for n, shown in enumerate(
        (None, b"garbage", note, cosign(note, HUE), cosign(forged, HANOI), b"x" * 600_000)
    ):
        folder = tmp_path / f"hanoi{n}"
        show(folder, HANOI, note)
        (path,) = folder.glob("*/checkpoint")
        path.unlink() if shown is None else path.write_bytes(shown)
        with http(files(folder)) as url:
            made = watch(log, tmp_path, policy(hanoi=url)).round()
        assert made.is_well, shown
        assert made.witnesses[0].problem, shown


def test_a_witness_that_goes_back_is_found(entries: list[bytes], tmp_path: Path) -> None:
    """It cosigned three entries, and later two, each as the largest tree it has seen."""
    log, early = forge(tmp_path / "log", entries), forge(tmp_path / "early", entries[:2])
    with http(files(tmp_path / "hanoi")) as url:
        show(tmp_path / "hanoi", HANOI, note_of(log), NOW - 60)
        assert watch(log, tmp_path, policy(hanoi=url)).round().is_well
        show(tmp_path / "hanoi", HANOI, note_of(early), NOW - 90)
        assert watch(log, tmp_path, policy(hanoi=url)).round().is_well, "an older one, from a cache"
        show(tmp_path / "hanoi", HANOI, note_of(early), NOW - 30)
        assert kinds(watch(log, tmp_path, policy(hanoi=url)).round()) == {"witness-rollback": 1}


def test_a_witness_with_a_time_far_ahead_is_followed_on(entries: list[bytes], tmp_path: Path) -> None:
    """A time far ahead is told while it is shown; what the witness shows later counts as before."""
    log, early = forge(tmp_path / "log", entries), forge(tmp_path / "early", entries[:2])
    now = Clock()
    with http(files(tmp_path / "hanoi")) as url:
        show(tmp_path / "hanoi", HANOI, note_of(early), 2**62)
        made = watch(log, tmp_path, policy(hanoi=url), clock=now).round()
        assert kinds(made) == {"witness-ahead": 1}
        assert made.witnesses[0].age_s is None
        now.now += 60
        show(tmp_path / "hanoi", HANOI, note_of(log), NOW + 30)
        watching = watch(log, tmp_path, policy(hanoi=url), clock=now)
        assert watching.round().is_well
        assert watching.state.witnesses["hanoi"].cosigned_s == NOW + 30
        show(tmp_path / "hanoi", HANOI, note_of(early), NOW + 45)
        assert kinds(watch(log, tmp_path, policy(hanoi=url), clock=now).round()) == {"witness-rollback": 1}


def test_a_witness_that_is_stale_is_told(entries: list[bytes], tmp_path: Path) -> None:
    """A cosignature older than the limit is noted beside its age."""
    log = forge(tmp_path / "log", entries)
    show(tmp_path / "hanoi", HANOI, note_of(log), NOW - 5_000)
    with http(files(tmp_path / "hanoi")) as url:
        made = watch(log, tmp_path, policy(hanoi=url), max_age_s=1_000).round()
    assert made.is_well
    assert any("cosigned last 5000 s ago" in line for line in made.told)


def test_two_witnesses_that_were_shown_two_trees(entries: list[bytes], tmp_path: Path) -> None:
    """Both are ahead of us, at one size, with two roots: proven at once, though we are shown neither."""
    ours = forge(tmp_path / "ours", entries[:2])
    for n, witness in enumerate((HANOI, HUE)):
        show(tmp_path / f"w{n}", witness, note_of(forge(tmp_path / f"log{n}", [*entries, statement(n)])))
    with http(files(tmp_path / "w0")) as hanoi, http(files(tmp_path / "w1")) as hue:
        made = watch(ours, tmp_path, policy(hanoi=hanoi, hue=hue)).round()
    assert kinds(made) == {"split-view": 1}
    (finding,) = (o.finding for o in made.findings)
    assert finding.where == "witnesses hanoi and hue"
    assert finding.evidence is not None
    assert judge(parse_misbehaviour(Path(finding.evidence).read_bytes()), policy()).verdict == "proven"
