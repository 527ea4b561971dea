"""Who may sign: names and keys come, change and go by statements, and each key once."""

import stat
from pathlib import Path

import pytest

from small_city import AGENCY, clock, key, key_file, new_city
from veracity.home.enrolments import add_agency, list_keys, revoke_key, rotate_key, signing_key
from veracity.home.errors import AgencyExists, BadName, MissingKey, UnknownAgency
from veracity.home.home import Home, open_writer
from veracity.provenance.errors import EnrolmentRejected


def test_keys_come_change_and_go(tmp_path: Path) -> None:
    """Enrol, rotate, revoke: each is an entry, and the list says from where to where a key counts."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        assert add_agency(home, "second", key("one").public).enrolled_at == 3
        assert rotate_key(home, "second", key("two").public).enrolled_at == 4
        assert revoke_key(home, "second", "lost").ended_at == 5
        with pytest.raises(UnknownAgency, match=r"want one with a key in force \(.*\), got 'second'"):
            rotate_key(home, "second", key("three").public)
    reading = Home.open(root, clock)
    spans = [(k.agency, k.enrolled_at, k.ended_at) for k in list_keys(reading)]
    reading.close()
    assert spans == [("operator", 0, None), (AGENCY, 1, None), ("second", 3, 4), ("second", 4, 5)]


def test_refused_changes_leave_the_log_alone(tmp_path: Path) -> None:
    """A name taken, a name that is none, a key that somebody has: refused before anything is signed."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        for name in ("operator", "Upper", "", "a/b", "x" * 65, "../x"):
            with pytest.raises(BadName):
                add_agency(home, name, key("x").public)
        with pytest.raises(AgencyExists):
            add_agency(home, AGENCY, key("x").public)
        with pytest.raises(UnknownAgency):
            revoke_key(home, "nobody", "why not")
        with pytest.raises(EnrolmentRejected):
            add_agency(home, "second", key(AGENCY).public)
        with pytest.raises(EnrolmentRejected):
            rotate_key(home, AGENCY, key("operator").public)
        assert home.log.size == 3
        assert list_keys(home)[-1].agency == AGENCY


def test_a_key_that_is_made_is_kept_for_its_owner(tmp_path: Path) -> None:
    """Without a public key one is made: mode 0600, found by the agency's name, gone when replaced."""
    root = new_city(tmp_path / "city")
    with open_writer(root, clock) as home:
        made = add_agency(home, "second")
        assert made.key_file is not None
        assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
        assert signing_key(home, "second").public.keyid == made.keyid
        newer = rotate_key(home, "second")
        assert signing_key(home, "second").public.keyid == newer.keyid != made.keyid
        revoke_key(home, "second", "closed")
        with pytest.raises(MissingKey, match="got 'second'"):
            signing_key(home, "second")
        assert signing_key(home, str(key_file(tmp_path))) == key(AGENCY)


def test_a_public_key_given_keeps_no_secret(tmp_path: Path) -> None:
    """Of an agency that has its own key, the home holds the public half only."""
    root = new_city(tmp_path / "city")
    assert list((root / "keys" / "agencies").iterdir()) == []
    home = Home.open(root, clock)
    with pytest.raises(MissingKey):
        signing_key(home, AGENCY)
    home.close()
