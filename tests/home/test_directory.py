"""A home's directory: made whole or not at all, written by one process, its keys for its owner alone."""

import stat
from pathlib import Path

import pytest

from small_city import ORIGIN, clock, key
from veracity.home.directory import create_directory, open_directory, write_new, write_whole
from veracity.home.errors import BadName, HomeBusy, HomeExists, HomeUnusable, NoHome
from veracity.home.founding import CityKeys, init
from veracity.home.home import Home, open_writer
from veracity.home.lock import writing
from veracity.log.errors import MalformedKey
from veracity.log.policy import parse_policy

KEYS = CityKeys(key("log").seed, key("operator"))


def test_a_new_home(tmp_path: Path) -> None:
    """A new home has its keys at mode 0600 in folders of 0700, a policy to hand out, and one entry."""
    root = tmp_path / "deep" / "city"
    init(root, ORIGIN, clock, KEYS)
    directory = open_directory(root)
    for path in (directory.log_key, directory.operator_key, directory.database):
        assert path.is_file()
    assert {stat.S_IMODE(p.stat().st_mode) for p in (directory.log_key, directory.operator_key)} == {0o600}
    assert stat.S_IMODE((root / "keys").stat().st_mode) == 0o700
    assert parse_policy(directory.policy.read_bytes()).logs[0].name == ORIGIN
    home = Home.open(root, clock)
    assert home.reader().checkpoint.size == 1
    assert [a.agency for a in home.agencies().enrolled()] == ["operator"]
    home.close()


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    """Keys are made anew for each home."""
    for name in ("a", "b"):
        init(tmp_path / name, ORIGIN, clock)
    keys = {open_directory(tmp_path / n).log_key.read_text() for n in ("a", "b")}
    assert len(keys) == 2


def test_an_existing_directory_may_be_used_if_empty(tmp_path: Path) -> None:
    """An empty directory becomes a home; one with anything in it, or a home, does not."""
    (tmp_path / "city").mkdir()
    init(tmp_path / "city", ORIGIN, clock, KEYS)
    with pytest.raises(HomeExists, match="of test"):
        init(tmp_path / "city", ORIGIN, clock, KEYS)
    with pytest.raises(HomeExists, match="with files in it"):
        create_directory(tmp_path, ORIGIN)
    (tmp_path / "file").write_text("x")
    with pytest.raises(HomeUnusable):
        create_directory(tmp_path / "file", ORIGIN)


@pytest.mark.parametrize("origin", ["", "X", "https://a/b", "a b", "a/", "a\n", "é", "a" * 200, "a//b", "-a"])
def test_origins_that_are_none(tmp_path: Path, origin: str) -> None:
    """A log's name is plain: nothing of it needs quoting anywhere."""
    with pytest.raises(BadName, match="origin: want"):
        init(tmp_path / "city", origin, clock)
    assert not (tmp_path / "city").exists()


def test_a_failed_init_leaves_nothing(tmp_path: Path) -> None:
    """If making a home fails half-way, the directory is empty again and the next try succeeds."""

    with pytest.raises(MalformedKey):
        init(tmp_path / "city", ORIGIN, clock, CityKeys(b"too short", key("operator")))
    assert [p.name for p in (tmp_path / "city").iterdir()] in ([], ["lock"])
    with pytest.raises(NoHome):
        open_directory(tmp_path / "city")
    init(tmp_path / "city", ORIGIN, clock, KEYS)


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    """The second writer is refused at once, the lock goes with its holder, readers never wait."""
    init(tmp_path / "city", ORIGIN, clock, KEYS)
    with open_writer(tmp_path / "city", clock):
        with pytest.raises(HomeBusy, match="held by process"), open_writer(tmp_path / "city", clock):
            pass
        Home.open(tmp_path / "city", clock).close()
    with writing(open_directory(tmp_path / "city")):
        pass


def test_files_appear_whole(tmp_path: Path) -> None:
    """A new file is never put over another; a rewritten one is the old or the new."""
    write_new(tmp_path / "a", b"one", 0o600)
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "a", b"two", 0o600)
    write_whole(tmp_path / "a", b"three")
    assert (tmp_path / "a").read_bytes() == b"three"
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "none" / "a", b"four")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
