"""A feed as NGSI-LD shows it: which entities, with which attributes, from which columns. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from urllib.parse import quote

from veracity.data.contract import Contract
from veracity.server.ngsi_ld.data_models import DataModel, model_of
from veracity.server.ngsi_ld.unit_codes import unit_code
from veracity.server.positions import Positions

Kind = Literal["string", "number", "boolean", "timestamp", "date"]
#: What every entity has besides its columns, where it is known.
OWN = ("dateObserved", "location", "dataProvider", "source", "simulated")
MARKS = ("flags", "receipt", "ucum")  #: sub-properties of ours


@dataclass(frozen=True)
class Attribute:
    """One attribute and the column it is of."""

    name: str
    column: str
    kind: Kind
    unit_code: str | None
    ucum: str | None


@dataclass(frozen=True)
class View:
    """A feed and the entities it shows: one for each value of ``key``."""

    contract: Contract
    model: DataModel
    key: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    positions: Positions
    simulated: bool

    @property
    def feed(self) -> str:
        """The feed's name."""
        return self.contract.feed

    @property
    def type(self) -> str:
        """The type of its entities."""
        return self.model.name

    @property
    def time(self) -> str | None:
        """The column of the event time."""
        return self.contract.time

    @property
    def prefix(self) -> str:
        """What the identifiers of its entities begin with."""
        return f"urn:ngsi-ld:{self.type}:{self.feed}:"

    @cached_property
    def by_name(self) -> Mapping[str, Attribute]:
        """The attributes by name."""
        return {a.name: a for a in self.attributes}

    @property
    def attribute_names(self) -> list[str]:
        """The names of all attributes that its entities may have."""
        own = {
            "dateObserved": self.time is not None,
            "location": self.positions.is_known,
            "dataProvider": self.contract.agency is not None,
            "source": True,
            "simulated": self.simulated,
        }
        return [*self.by_name, *(name for name in OWN if own[name] and name not in self.by_name)]

    def names_type(self, text: str) -> bool:
        """Tell whether a text names its type, short or as an IRI."""
        return text in (self.type, self.model.type_iri)

    def short(self, name: str) -> str:
        """Return an attribute's short name for a short name or an IRI."""
        if "://" not in name:
            return name
        return next((a for a in self.attribute_names if self.model.iri(a) == name), name)


def view_of(contract: Contract, positions: Positions, *, simulated: bool) -> View | None:
    """Return how a feed is shown; None where no key tells its things apart."""
    key = contract.sensor if contract.sensor else tuple(n for n in contract.key if n != contract.time)
    if not key:
        return None
    model, hidden = model_of(contract), {contract.time, *(positions.columns or ())}
    found: dict[str, Attribute] = {}
    for f in contract.fields:
        if f.name in hidden:
            continue
        name = model.attribute(f.name, f.unit)
        if name in found or (name != f.name and any(o.name == name for o in contract.fields)):
            name = f.name
        if name in ("id", "type", "location", "dateObserved", "scope", "createdAt", "modifiedAt"):
            name = f"{name}_"
        kind: Kind = "number" if f.type == "integer" else f.type
        found[name] = Attribute(name, f.name, kind, unit_code(f.unit), f.unit)
    return View(contract, model, key, tuple(found.values()), positions, simulated)


def entity_key(values: tuple[object, ...]) -> str:
    """Return the last part of an identifier: the values of the key, what no URI holds percent-encoded.

    >>> entity_key(("AQ 1", "Đ:2"))
    'AQ%201:%C4%90%3A2'
    """
    return ":".join(quote(str(value), safe="-._~") for value in values)


def spelled(identifier: str) -> str:
    """Return an identifier of an address as entities have it: a server has decoded its percent signs.

    >>> spelled("urn:ngsi-ld:T:air:Đ/3"), spelled("urn:ngsi-ld:T:air:a%201")
    ('urn:ngsi-ld:T:air:%C4%90%2F3', 'urn:ngsi-ld:T:air:a%201')
    """
    return quote(identifier, safe=":-._~%")
