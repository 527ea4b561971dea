"""Entities out of the home: those selected, page by page, as they are now or as known then."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import WeakKeyDictionary

import polars as pl

from veracity.home.home import Home
from veracity.server.city_reader import CityReader
from veracity.server.ngsi_ld.asking import Page, Representation, Selection
from veracity.server.ngsi_ld.conditions import condition, has_any
from veracity.server.ngsi_ld.entities import Entity, Shown, entity, source_of
from veracity.server.ngsi_ld.geo_query import Floats
from veracity.server.ngsi_ld.latest import Newest, latest, newest, views
from veracity.server.ngsi_ld.views import View

_LOCK = threading.Lock()
_BEFORE: WeakKeyDictionary[CityReader, dict[str, Newest]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Found:
    """A page of entities, and how many there are in all."""

    entities: list[Entity]
    n_all: int


def all_views(city: CityReader) -> list[View]:
    """Return how every feed is shown, kept while the log does not grow."""
    return city.kept("ngsi-ld views", views)


def newest_rows(city: CityReader, view: View, as_of: datetime | None) -> pl.DataFrame:
    """Return the newest row of each entity of a view; those of now are kept, and brought up to date."""
    if as_of is not None:
        with city.home() as home:
            return latest(home, view, newest(home, view, as_of))

    def make(home: Home) -> pl.DataFrame:
        with _LOCK:
            before = _BEFORE.setdefault(city, {}).get(view.feed)
        found = newest(home, view, None, before)
        with _LOCK:
            _BEFORE[city][view.feed] = found
        return latest(home, view, found)

    return city.kept(("ngsi-ld latest", view.feed), make)


def selected_views(city: CityReader, selection: Selection) -> list[View]:
    """Return the views that may have an entity selected."""
    return [
        view
        for view in all_views(city)
        if (selection.types is None or any(view.names_type(t) for t in selection.types))
        and (selection.identifiers is None or any(i.startswith(view.prefix) for i in selection.identifiers))
    ]


def selected_rows(view: View, rows: pl.DataFrame, selection: Selection, url: str) -> pl.DataFrame:
    """Return the rows of a view's frame that are selected."""
    keep: list[pl.Expr] = []
    if selection.identifiers is not None:
        keep.append(pl.col("_id").is_in(sorted(selection.identifiers)))
    if selection.pattern is not None:
        keep.append(pl.col("_id").str.contains(selection.pattern))
    if selection.attributes is not None:
        keep.append(has_any(list(selection.attributes), view))
    if selection.query is not None:
        keep.append(condition(selection.query, view, source_of(view, url)))
    if keep:
        rows = rows.filter(keep)
    if selection.geo is not None:
        inside = selection.geo.matches(_degrees(rows, "_lon"), _degrees(rows, "_lat"))
        rows = rows.filter(pl.Series(inside, dtype=pl.Boolean))
    return rows


def find(
    city: CityReader,
    url: str,
    selection: Selection,
    asked: Representation,
    page: Page,
    as_of: datetime | None,
) -> Found:
    """Return the entities selected: by feed, then by identifier."""
    skip, left, n_all = page.offset, page.limit, 0
    entities: list[Entity] = []
    for view in selected_views(city, selection):
        rows = selected_rows(view, newest_rows(city, view, as_of), selection, url)
        n_all += rows.height
        part = rows.slice(skip, left)
        skip = max(0, skip - rows.height)
        left -= part.height
        shown = shown_as(city, url, view, selection.attributes, asked)
        entities += [entity(view, row, shown) for row in part.iter_rows(named=True)]
    return Found(entities, n_all)


def shown_as(
    city: CityReader, url: str, view: View, attributes: Sequence[str] | None, asked: Representation
) -> Shown:
    """Return how the entities of a view are wanted."""
    names = None if attributes is None else frozenset(view.short(name) for name in attributes)
    shown = Shown(url, asked.form, names, asked.with_times)
    if not asked.with_times:
        return shown
    return replace(shown, received=city.kept(("ngsi-ld received", view.feed), lambda h: _received(h, view)))


def _received(home: Home, view: View) -> dict[tuple[str, int], str]:
    return {(view.feed, row.batch): row.received_at for row in home.index.batches(view.feed)}


def _degrees(rows: pl.DataFrame, name: str) -> Floats:
    return rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
