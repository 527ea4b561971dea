"""The sources of a home: ``sources.yaml``, read strictly, and changed without touching what else is in it.

::

    sources:
      - name: things-of-the-port     # the device of its messages
        kind: sensorthings
        feed: port-air
        every: 1 min
        url: https://things.example/v1.1
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from veracity.data.plain_yaml import parse_yaml
from veracity.feeds.errors import BadSource
from veracity.feeds.kinds import make_source
from veracity.feeds.open_meteo import built_in
from veracity.feeds.source import Source, Stream
from veracity.home.directory import usable, write_whole
from veracity.home.errors import HomeUnusable
from veracity.provenance.fields import Fields

MAX_LIST_BYTES = 262_144
MAX_SOURCES = 256
FILE = "sources.yaml"


def live_sources() -> list[Source]:
    """Return the sources of ``veracity up --live``: weather, air and rivers of Da Nang, without any key."""
    return list(built_in())


def sources_of(home: Path) -> list[Source | Stream]:
    """Make the sources that a home lists; [] if it lists none.

    Raises
    ------
    BadSource
        If the list is not one, or a source in it cannot be made.
    MissingExtra
        If one needs a library that is not installed.
    """
    return [make_source(item, f"source {item['name']}") for item in read_list(home)]


def read_list(home: Path) -> list[dict[str, Any]]:
    """Return what is said of each source: objects that have a name, each another; [] without a list."""
    text = _read(home)
    return [] if text is None else _parse(text)


def add_source(home: Path, said: Mapping[str, Any]) -> None:
    """Put a source at the end of the list; BadSource if it cannot be made, or its name is taken."""
    make_source(dict(said), f"source {said.get('name')}")
    text = _read(home) or b""
    before = _parse(text) if text else []
    if said["name"] in [item["name"] for item in before]:
        raise BadSource(f"source: want a name that is not taken, got {said['name']!r} again")
    item = yaml.safe_dump(dict(said), sort_keys=False, allow_unicode=True, width=10_000).splitlines()
    lines = ["  - " + item[0], *("    " + line for line in item[1:])]
    head = text.decode("utf-8").rstrip("\n") if before else "sources:"
    _write(home, "\n".join([head, *lines, ""]), [*before, dict(said)])


def remove_source(home: Path, name: str) -> None:
    """Take a source off the list; BadSource with those there are if there is none of that name."""
    text = _read(home) or b"sources: []"
    before = _parse(text)
    names = [str(item["name"]) for item in before]
    if name not in names:
        raise BadSource(f"source: want one of {', '.join(names) or 'none'}, got {name[:60]!r}")
    place = names.index(name)
    listed = _nodes(text)
    lines = text.decode("utf-8").splitlines()
    first = listed[place].start_mark.line
    last = listed[place + 1].start_mark.line if place + 1 < len(listed) else len(lines)
    while not lines[last - 1].strip() or lines[last - 1].lstrip().startswith("#"):
        last -= 1  # a comment is on what comes after it
    left = lines[:first] + lines[last:]
    after = before[:place] + before[place + 1 :]
    _write(home, "\n".join([*left, ""]) if after else "sources: []\n", after)


def _read(home: Path) -> bytes | None:
    try:
        with (home / FILE).open("rb") as file:
            return file.read(MAX_LIST_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise HomeUnusable(f"{FILE}: want to read {home / FILE}, got {exc.strerror}") from exc


def _parse(text: bytes) -> list[dict[str, Any]]:
    top = Fields(parse_yaml(text, FILE, MAX_LIST_BYTES, BadSource), FILE, BadSource)
    items = top.items("sources", MAX_SOURCES)
    top.done()
    names: list[str] = []
    for i, item in enumerate(items):
        name = Fields(item, f"{FILE}.sources[{i}]", BadSource).text("name", 128)
        if name in names:
            raise BadSource(f"{FILE}: want each name once, got {name!r} again")
        names.append(name)
    return items


def _nodes(text: bytes) -> Sequence[yaml.Node]:
    """Return the items of the list as they stand in the text."""
    top = yaml.compose(text, Loader=yaml.SafeLoader)
    assert isinstance(top, yaml.MappingNode)
    (items,) = [value.value for name, value in top.value if name.value == "sources"]
    found: list[yaml.Node] = items
    return found


def _write(home: Path, text: str, wanted: list[dict[str, Any]]) -> None:
    """Write the list, if it reads as what was wanted: a list written in another way is left alone."""
    try:
        is_so = _parse(text.encode()) == wanted
    except BadSource:
        is_so = False
    if not is_so:
        raise BadSource(
            f"{FILE}: want its list as lines that begin with '- ', got another way: edit it by hand"
        )
    with usable(home):
        write_whole(home / FILE, text.encode(), 0o600)  # it may hold keys and tokens
