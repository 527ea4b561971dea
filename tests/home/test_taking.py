"""A sender protects a file, signs it, and hands the keys over apart: the city takes both, or says why not."""

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import veracity.home.protection
import veracity.home.taking
from persons import FEED, contract, csv, leaks, ndjson, new_city, persons, secrets_of
from small_city import AGENCY, clock, key
from veracity.data.contract import Contract, parse_contract
from veracity.data.personal.columns import Unprotected
from veracity.data.personal.token import RecordKey, RecordSealer, parse_name
from veracity.errors import VeracityError
from veracity.feeds.file_info import inspect
from veracity.home.audit import audit
from veracity.home.contracts import add_feed
from veracity.home.deliveries import sign_file, write_sidecar
from veracity.home.enrolments import add_agency
from veracity.home.erasures import erase_records, erase_value, try_erase_value
from veracity.home.errors import (
    BadName,
    FileWaiting,
    HomeUnusable,
    KeysMissing,
    MalformedKeys,
    NothingPersonal,
    TokenMisplaced,
)
from veracity.home.home import Home, open_writer
from veracity.home.ingest import ingest
from veracity.home.key_file import SCHEMA, protect_file
from veracity.home.persons import accesses, find, show
from veracity.home.receipts import find_record, make_receipt
from veracity.home.taking import forget_file, take_keys
from veracity.verifying import verify

BY, WHY = "Nguyen Van Dung", "letter of 3 September"
ROWS = persons(80)


def signed_contract(folder: Path, kind: str = "csv") -> Path:
    """The contract of a feed whose files its agency must sign."""
    path = contract(folder, kind, version="2.0.0")
    signed = f"customProperties:\n  - {{property: agency, value: {AGENCY}}}\n"
    signed += "  - {property: signature, value: required}\n"
    path.write_text(path.read_text(encoding="utf-8") + signed, encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return new_city(tmp_path / "city")


def sent(folder: Path, kind: str = "csv", *, dirty: bool = True) -> tuple[Contract, Path, Path]:
    """What a sender hands over: the contract, the protected file, its keys."""
    read = parse_contract(signed_contract(folder, kind).read_bytes())
    plain = (csv if kind == "csv" else ndjson)(folder / f"plain.{kind}", ROWS, dirty=dirty)
    to, keys = folder / f"requests.{kind}", folder / "requests.keys"
    assert protect_file(read, inspect(plain), to, keys) > 60
    return read, to, keys


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_the_whole_way(tmp_path: Path, kind: str) -> None:
    """Protected, signed, its keys taken: ingested, found, shown, proven to the sender's signature."""
    root = new_city(tmp_path / "city", kind)
    read, to, keys = sent(tmp_path, kind)
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert not [s for s in secrets_of(ROWS) if s in to.read_bytes() + keys.read_bytes()]
    write_sidecar(sign_file(inspect(to), read, key(AGENCY)), to)
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, tmp_path / "requests-2.0.0.yaml")
        with pytest.raises(KeysMissing):
            ingest(home, FEED, [Path(shutil.copy(to, tmp_path / f"copy.{kind}"))])
        n = take_keys(home, FEED, to, keys)
        assert n is not None
        assert n > 60
        assert take_keys(home, FEED, to, keys) is None
        (report,) = ingest(home, FEED, [to])
        assert (report.outcome, report.sha256) == ("sealed", inspect(to).sha256)
        (again,) = ingest(home, FEED, [to])
        assert again.outcome == "replay"
        (place,) = find(home, FEED, "phone", ROWS[0]["phone"], BY, WHY).records
        shown = {s.field: s.value for s in show(home, FEED, place.batch, place.record, BY, WHY)}
        assert shown["resident"] == ROWS[0]["name"]
        receipt = make_receipt(home, FEED, find_record(home, FEED, place.batch, place.record))
        assert verify(receipt, home.policy).agency == AGENCY
        assert audit(home).findings == []
    assert leaks(root, secrets_of(ROWS)) == []


def test_no_erasure_while_keys_taken_wait_for_their_file(root: Path, tmp_path: Path) -> None:
    """Keys of a person in a file not ingested yet: found and named, and nothing is erased beside them."""
    _, to, keys = sent(tmp_path, dirty=False)
    phone = ROWS[3]["phone"]
    with open_writer(root, clock) as home:
        ingest(home, FEED, [csv(tmp_path / "before.csv", ROWS[:5])])
        take_keys(home, FEED, to, keys)
        found = find(home, FEED, "phone", phone, BY, WHY)
        assert len(found.records) == 1
        assert [(f.name, f.n_parts, f.n_records) for f in found.waiting] == [(to.name, 0, 1)]
        for erase in (try_erase_value, erase_value):
            with pytest.raises(FileWaiting, match=f"veracity personal forget {FEED} {to.name}"):
                erase(home, FEED, "phone", phone, BY, WHY)
        assert [a.records for a in accesses(home)] == [f"0:4 and 1 of {to.name}"]
        (place,) = found.records
        assert show(home, FEED, place.batch, place.record, BY, WHY)
        ingest(home, FEED, [to])
        done = erase_value(home, FEED, "phone", phone, BY, WHY)
        assert len(done.records) == 2
        for r in done.records:
            with pytest.raises(NothingPersonal):
                show(home, FEED, r.batch, r.record, BY, WHY)
        assert audit(home).findings == []


def test_a_file_that_never_comes_is_forgotten(root: Path, tmp_path: Path) -> None:
    """Its keys are destroyed by name or digest, on record; a file in the log is never forgotten so."""
    _, to, keys = sent(tmp_path, dirty=False)
    with open_writer(root, clock) as home:
        take_keys(home, FEED, to, keys)
        gone = forget_file(home, FEED, to.name, BY, WHY)
        assert gone.sha256 == inspect(to).sha256
        assert [(a.what, a.records) for a in accesses(home)] == [("forget", to.name)]
        with pytest.raises(KeysMissing):
            ingest(home, FEED, [to])
        with pytest.raises(NothingPersonal, match="want one of requests whose keys are here"):
            forget_file(home, FEED, to.name, BY, WHY)
        assert find(home, FEED, "phone", ROWS[0]["phone"], BY, WHY).waiting == ()
        take_keys(home, FEED, to, keys)
        ingest(home, FEED, [to])
        with pytest.raises(NothingPersonal, match="not in the log"):
            forget_file(home, FEED, to.name, BY, WHY)
        assert audit(home).findings == []


def test_two_files_of_one_name_are_told_apart(root: Path, tmp_path: Path) -> None:
    """Which of two waiting files of the same name is forgotten is said by its digest."""
    with open_writer(root, clock) as home:
        digests = []
        for day in ("monday", "tuesday"):
            (tmp_path / day).mkdir()
            _, to, keys = sent(tmp_path / day, dirty=False)
            take_keys(home, FEED, to, keys)
            digests.append(inspect(to).sha256)
        with pytest.raises(BadName, match=f"give the digest .*{digests[0]}, {digests[1]}"):
            forget_file(home, FEED, "requests.csv", BY, WHY)
        assert forget_file(home, FEED, digests[0], BY, WHY).sha256 == digests[0]
        assert forget_file(home, FEED, "requests.csv", BY, WHY).sha256 == digests[1]


def test_in_clear_it_is_refused_as_unsigned(root: Path, tmp_path: Path) -> None:
    """A feed whose files must be signed refuses one in clear, encrypted first, and keeps no key of it."""
    sent(tmp_path)
    with open_writer(root, clock) as home:
        add_agency(home, AGENCY, key(AGENCY).public)
        add_feed(home, tmp_path / "requests-2.0.0.yaml")
        (report,) = ingest(home, FEED, [tmp_path / "plain.csv"])
        assert (report.outcome, set(report.refusals)) == ("refused", {"unsigned"})
        assert audit(home).findings == []
    assert leaks(root, secrets_of(ROWS)) == []


def _edit_line(number: int, **changes: object) -> Callable[[list[bytes]], list[bytes]]:
    def edit(lines: list[bytes]) -> list[bytes]:
        document = json.loads(lines[number]) | changes
        return [*lines[:number], json.dumps(document).encode() + b"\n", *lines[number + 1 :]]

    return edit


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (lambda _: [b""], "malformed-keys"),
        (lambda _: [b"\xff\xfe\n"], "malformed-keys"),
        (lambda lines: lines[:1], "malformed-keys"),
        (lambda lines: lines[:-20], "malformed-keys"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "malformed-keys"),
        (lambda lines: [*lines, b"x" * 5_000], "malformed-keys"),
        (_edit_line(0, feed="other"), "malformed-keys"),
        (_edit_line(0, sha256="0" * 64), "malformed-keys"),
        (_edit_line(0, more=1), "malformed-keys"),
        (_edit_line(3, key="A" * 43), "token-rejected"),
        (_edit_line(3, key="A" * 42), "malformed-keys"),
        (_edit_line(3, name="A" * 22), "malformed-keys"),
        (_edit_line(3, record=-1), "malformed-keys"),
    ],
)
def test_other_keys_are_not_taken(
    root: Path, tmp_path: Path, edit: Callable[[list[bytes]], list[bytes]], code: str
) -> None:
    """Keys that are none, too few, of another file or not the ones used: our error, and nothing is kept."""
    _, to, keys = sent(tmp_path)
    keys.write_bytes(b"".join(edit(keys.read_bytes().splitlines(keepends=True))))
    with open_writer(root, clock) as home:
        with pytest.raises(VeracityError) as caught:
            take_keys(home, FEED, to, keys)
        assert caught.value.code == code
        with pytest.raises(KeysMissing):
            ingest(home, FEED, [to])
        vault = home.vault()
        assert vault is not None
        with vault:
            assert vault.file_by_digest(FEED, inspect(to).sha256) is None


def test_a_file_with_something_in_clear_is_not_taken(root: Path, tmp_path: Path) -> None:
    """A sender who left one value in clear is told which record, and the city takes nothing."""
    _, to, keys = sent(tmp_path, dirty=False)
    lines = to.read_bytes().splitlines(keepends=True)
    cells = lines[5].split(b",")
    lines[5] = b",".join([*cells[:4], b"0901234567", *cells[5:]])
    to.write_bytes(b"".join(lines))
    info = inspect(to)
    head, *rest = keys.read_bytes().splitlines(keepends=True)
    document = json.loads(head) | {"sha256": info.sha256, "bytes": info.n_bytes}
    keys.write_bytes(b"".join([json.dumps(document).encode() + b"\n", *rest]))
    with open_writer(root, clock) as home, pytest.raises(VeracityError) as caught:
        take_keys(home, FEED, to, keys)
    assert caught.value.code == "unprotected"
    assert "record 5" in str(caught.value)
    assert "0901234567" not in str(caught.value)


def test_names_that_are_taken_cannot_be_taken_again(root: Path, tmp_path: Path) -> None:
    """A second file with the names of the first one's records is refused: it cannot take their place."""
    _, to, keys = sent(tmp_path)
    with open_writer(root, clock) as home:
        take_keys(home, FEED, to, keys)
        to.write_bytes(to.read_bytes() + b"\n")
        info = inspect(to)
        head, *rest = keys.read_bytes().splitlines(keepends=True)
        document = json.loads(head) | {"sha256": info.sha256, "bytes": info.n_bytes}
        keys.write_bytes(b"".join([json.dumps(document).encode() + b"\n", *rest]))
        with pytest.raises(VeracityError, match="names that are new"):
            take_keys(home, FEED, to, keys)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """Protecting again into files that are there is refused, and nothing half-made is left."""
    read, to, keys = sent(tmp_path)
    before = to.read_bytes(), keys.read_bytes()
    with pytest.raises(HomeUnusable):
        protect_file(read, inspect(tmp_path / "plain.csv"), to, tmp_path / "other.keys")
    with pytest.raises(HomeUnusable):
        protect_file(read, inspect(tmp_path / "plain.csv"), tmp_path / "other.csv", keys)
    assert (to.read_bytes(), keys.read_bytes()) == before
    assert list(tmp_path.glob("*.part")) == []


def test_the_audit_reads_what_the_city_took(root: Path, tmp_path: Path) -> None:
    """A home opened for reading finds a sender's records like its own."""
    _, to, keys = sent(tmp_path)
    with open_writer(root, clock) as home:
        take_keys(home, FEED, to, keys)
        ingest(home, FEED, [to])
    opened = Home.open(root, clock)
    assert audit(opened).findings == []
    opened.close()


def handed_over(folder: Path, name: str, body: bytes, *lines: bytes) -> tuple[Path, Path]:
    """A protected file as somebody made it up, and the keys that come with it."""
    to, keys = folder / name, folder / f"{name}.keys"
    to.write_bytes(body)
    info = inspect(to)
    head = {"schema": SCHEMA, "feed": FEED, "sha256": info.sha256, "bytes": info.n_bytes}
    keys.write_bytes(b"".join([json.dumps(head).encode() + b"\n", *lines]))
    return to, keys


def stolen(record: bytes) -> bytes:
    """A row of another's with the tokens of a victim's record, which receipts and evidence show to all."""
    cells = record.split(b",")
    return b"R900001,2026-06-01T00:00:00+00:00,lamp," + b",".join(cells[3:5]) + b"\n"


HEADER = b"request,opened_at,kind,name,phone\n"


def test_a_token_of_another_person_cannot_be_taken(root: Path, tmp_path: Path) -> None:
    """Tokens copied from evidence into a file of one's own show nothing there, and erase nothing."""
    _, to, keys = sent(tmp_path, dirty=False)
    victim = to.read_bytes().splitlines(keepends=True)[3]
    evil, none = handed_over(tmp_path, "evil.csv", HEADER + stolen(victim))
    with open_writer(root, clock) as home:
        take_keys(home, FEED, to, keys)
        ingest(home, FEED, [to])
        with pytest.raises(MalformedKeys, match="want one for record 1"):
            take_keys(home, FEED, evil, none)
        (report,) = ingest(home, FEED, [evil])  # as a file in clear: the row is encrypted once more
        assert report.refused == 1
        erase_records(home, FEED, [(report.batches[0], 1)], BY, WHY)
        assert len(show(home, FEED, 0, 3, BY, WHY)) == 3


def test_a_token_of_another_record_of_the_file_cannot_be_taken(root: Path, tmp_path: Path) -> None:
    """Nor one of the sender's own other record: a key is one record's."""
    _, to, keys = sent(tmp_path, dirty=False)
    lines = to.read_bytes().splitlines(keepends=True)
    body = b"".join(lines) + b"R900001,2026-06-01T00:00:00Z,lamp," + b",".join(lines[3].split(b",")[3:])
    to, keys = handed_over(tmp_path, "own.csv", body, *keys.read_bytes().splitlines(keepends=True)[1:])
    with open_writer(root, clock) as home, pytest.raises(MalformedKeys, match="record 81"):
        take_keys(home, FEED, to, keys)


def test_a_misplaced_token_is_not_taken_in_though_its_file_is_known(root: Path, tmp_path: Path) -> None:
    """Should the vault ever know such a file, taking it in is refused whole, with the record's number."""
    _, to, keys = sent(tmp_path, dirty=False)
    victim = to.read_bytes().splitlines(keepends=True)[3]
    evil, _ = handed_over(tmp_path, "evil.csv", HEADER + stolen(victim))
    info = inspect(evil)
    with open_writer(root, clock) as home:
        take_keys(home, FEED, to, keys)
        with home.make_vault() as vault:
            vault.finish(vault.begin_taken(FEED, info.name, "csv"), info.sha256, info.n_bytes)
        size = home.log.size
        with pytest.raises(TokenMisplaced, match="record 1"):
            ingest(home, FEED, [evil])
        assert home.log.size == size


def test_an_escaped_token_is_not_taken(tmp_path: Path) -> None:
    """Clear text in the shape of a token, spelt so that no search of the bytes finds it, is refused."""
    root = new_city(tmp_path / "city", "ndjson")
    token = "\\u0076p1." + "A" * 22 + "." + "TmF0" * 28
    body = '{"request":"R7","opened_at":"2026-06-01T00:00:00Z","kind":"lamp","name":"%s","phone":"%s"}\n'
    to, keys = handed_over(tmp_path, "esc.ndjson", (body % (token, token)).encode())
    with open_writer(root, clock) as home, pytest.raises(Unprotected, match="record 0"):
        take_keys(home, FEED, to, keys)


def test_a_key_that_no_token_needs_is_not_taken(root: Path, tmp_path: Path) -> None:
    """Keys of records without tokens are none of this file: no name is held that stands nowhere in it."""
    line = json.dumps({"record": 1, "name": "A" * 22, "key": "A" * 43}).encode() + b"\n"
    to, keys = handed_over(tmp_path, "a.csv", HEADER + b"R1,2026-06-01T00:00:00Z,lamp,,\n", line)
    with open_writer(root, clock) as home, pytest.raises(MalformedKeys, match="record 1"):
        take_keys(home, FEED, to, keys)


def test_a_file_that_needs_no_keys_is_taken_once(root: Path, tmp_path: Path) -> None:
    """A file without personal values brings no key; only the second time it was taken before."""
    to, keys = handed_over(tmp_path, "a.csv", HEADER + b"R1,2026-06-01T00:00:00Z,lamp,,\n")
    with open_writer(root, clock) as home:
        assert [take_keys(home, FEED, to, keys) for _ in range(2)] == [0, None]


def test_the_name_of_an_erased_record_cannot_come_again(root: Path, tmp_path: Path) -> None:
    """A key under the name of an erased record, which the log shows, would look like one not destroyed."""
    _, to, keys = sent(tmp_path, dirty=False)
    with open_writer(root, clock) as home:
        take_keys(home, FEED, to, keys)
        ingest(home, FEED, [to])
        (gone,) = erase_records(home, FEED, [(0, 3)], BY, WHY).records
        key = RecordKey(parse_name(gone.name), b"k" * 32)
        sealer = RecordSealer(FEED, key)
        row = f"R1,2026-06-01T00:00:00Z,lamp,{sealer.seal('resident', b'x')},\n".encode()
        line = {"record": 1, "name": gone.name, "key": "a2tr" * 10 + "a2s"}
        made, its = handed_over(tmp_path, "again.csv", HEADER + row, json.dumps(line).encode() + b"\n")
        with pytest.raises(MalformedKeys, match="new here"):
            take_keys(home, FEED, made, its)
        assert audit(home).findings == []


def test_however_the_file_is_cut_its_keys_are_found(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header that comes again, and a record that goes on over a cut, have the keys of where they began."""
    read, first, _ = sent(tmp_path)
    long = [i for i, line in enumerate(first.read_bytes().splitlines()) if line.endswith(b"!too-long")]
    plain = tmp_path / "padded.csv"
    plain.write_bytes(b"\n" * (63 - long[-2]) + (tmp_path / "plain.csv").read_bytes())
    to, keys = tmp_path / "cut.csv", tmp_path / "cut.keys"
    n = protect_file(read, inspect(plain), to, keys)
    assert to.read_bytes().splitlines()[64].endswith(b"!too-long")
    for module in (veracity.home.taking, veracity.home.protection):
        monkeypatch.setattr(module, "RECORDS_AT_ONCE", 64)
    with open_writer(root, clock) as home:
        assert take_keys(home, FEED, to, keys) == n
        (report,) = ingest(home, FEED, [to], records_per_part=64)
        assert (report.outcome, len(report.batches)) == ("sealed", 2)
        assert audit(home).findings == []
