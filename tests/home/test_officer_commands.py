"""Officers of a home: they come, go and approve; each change is an entry of the log."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from run_cli import Here
from small_city import clock, key, key_file, new_city
from veracity.home.enrolments import revoke_key, rotate_key, signing_key
from veracity.home.errors import AgencyExists, BadName
from veracity.home.home import Home, open_writer
from veracity.home.officers import add_officer, approve, check_approval, officers
from veracity.provenance.approvals import Request, read_approval
from veracity.provenance.errors import DutyMissing, MalformedStatement, RevokedKey
from veracity.provenance.statements import Approve
from veracity.provenance.statements.release import asked_release

NOW = "2026-09-03T12:00:00.000000Z"
ASKED = asked_release("air", "release", "22" * 32, "advise", "33" * 32, (), None, simulated=True)
REQUEST = Request("release", "air", ASKED)


def test_officers_come_and_go(tmp_path: Path) -> None:
    """Enrolled with person and duties, replaced with the same, revoked, enrolled again with others."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        made = add_officer(home, "lan", key("lan").public, ["release", "act"], person="Nguyễn Thị Lan")
        assert (made.agency, made.role, made.duties) == ("officer/lan", "officer", ("act", "release"))
        with pytest.raises(AgencyExists):
            add_officer(home, "officer/lan", key("x").public, ["act"])
        newer = rotate_key(home, "officer/lan", key("lan 2").public)
        assert (newer.person, newer.duties) == (made.person, made.duties)
        assert revoke_key(home, "officer/lan", "left").person == made.person
        add_officer(home, "lan", key("lan 3").public, ["incident"], person="Nguyễn Thị Lan")
        with pytest.raises(BadName):
            add_officer(home, "Lan Nguyễn", key("x").public, ["act"])
        for duties in ([], ["rule"]):
            with pytest.raises(BadName):
                add_officer(home, "minh", key("x").public, duties)  # type: ignore[arg-type]
        with pytest.raises(MalformedStatement):
            add_officer(home, "minh", key("x").public, ["act"], person="two\nlines")
        assert home.log.size == 7
    reading = Home.open(root, clock)
    found = [(a.name, a.duties, a.ended_at) for a in officers(reading)]
    reading.close()
    assert found == [
        ("officer/lan", ("act", "release"), 4),
        ("officer/lan", ("act", "release"), 5),
        ("officer/lan", ("incident",), None),
    ]


def test_an_approval_counts_at_the_home(tmp_path: Path) -> None:
    """An approval signed elsewhere counts while the key does, for its duty."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        add_officer(home, "lan", key("lan").public, ["release"])
        signed = approve(key("lan"), REQUEST, "lan", "good", clock())
        assert check_approval(home, signed, "release", NOW).name == "officer/lan"
        with pytest.raises(DutyMissing):
            check_approval(home, signed, "act", NOW)
        revoke_key(home, "officer/lan", "left")
        with pytest.raises(RevokedKey):
            check_approval(home, signed, "release", NOW)


def test_a_key_made_here_signs(tmp_path: Path) -> None:
    """Without a public key one is made and kept beside those of agencies."""
    with open_writer(new_city(tmp_path / "city"), clock) as home:
        made = add_officer(home, "lan", None, ["release"])
        assert made.key_file is not None
        assert signing_key(home, "officer/lan").public.keyid == made.keyid
        assert rotate_key(home, "officer/lan").keyid == signing_key(home, "officer/lan").public.keyid


def test_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Add, list, sign offline, rotate, revoke: what is signed is shown, and counts."""
    run = Here(capsys, monkeypatch)
    root = new_city(tmp_path / "city")
    public = key("lan").public.format()
    at = ("--home", root)
    lan = ("lan", "--person", "Nguyễn Thị Lan", "--duty", "release", "--key", public)
    assert "enrolled officer/lan" in run("officer", "add", *lan, *at).out
    assert run("officer", "add", *lan, *at).code == 3
    listed = json.loads(run("officer", "ls", "--json", *at).out)["items"]
    assert [(i["person"], i["duties"]) for i in listed] == [("Nguyễn Thị Lan", ["release"])]
    request, approved = tmp_path / "request.json", tmp_path / "approval.json"
    request.write_bytes(REQUEST.format())
    sign = ("officer", "sign", request, "--key", key_file(tmp_path, "lan"), "--by", "Nguyễn Thị Lan")
    done = run(*sign, "--why", "all tests passed", "-o", approved, "--yes")
    assert done.code == 0
    assert ASKED["model"] in done.out
    envelope = read_approval(approved.read_bytes())
    assert Approve.of(envelope).approved_at == NOW
    with open_writer(root, clock) as home:
        assert check_approval(home, envelope, "release", NOW).person == "Nguyễn Thị Lan"
    assert run(*sign, "--why", "two\nlines", "-o", approved, "--yes").code == 3
    request.write_bytes(b"{}")
    assert run(*sign, "--why", "good", "-o", approved, "--yes").code == 3
    assert "rotated officer/lan" in run("officer", "rotate", "lan", *at).out
    assert "revoked officer/lan" in run("officer", "revoke", "lan", "--reason", "left", *at).out
    assert run("officer", "revoke", "lan", "--reason", "left", *at).code == 3


def test_nothing_is_signed_unasked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a yes, what is asked is shown and nothing is written."""
    run = Here(capsys, monkeypatch)
    request, approved = tmp_path / "request.json", tmp_path / "approval.json"
    request.write_bytes(REQUEST.format())
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    done = run(
        "officer",
        "sign",
        request,
        "--key",
        key_file(tmp_path, "lan"),
        "--by",
        "Lan",
        "--why",
        "x",
        "-o",
        approved,
    )
    assert done.code == 130
    assert ASKED["model"] in done.err
    assert not approved.exists()
    assert datetime.fromisoformat(NOW) == clock().astimezone(UTC)
