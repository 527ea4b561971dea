"""References between contracts: each names a feed that exists, columns it has, and never itself."""

from collections.abc import Callable, Mapping

from veracity.data.contract import Contract, rule_paths
from veracity.data.errors import MalformedContract
from veracity.data.place import fault, lines_of, within
from veracity.data.rules.registry import Registry
from veracity.errors import VeracityError

_NUMBERS = ("number", "integer")
_TIMES = ("timestamp", "date")


def check_references(contract: Contract, load: Callable[[str], Contract]) -> None:
    """Check the registries that a contract's rules look up.

    Parameters
    ----------
    contract
        The contract to be put in force; it stands for its feed instead of what ``load`` has.
    load
        Returns the contract in force of a feed; raises ``KeyError`` or an error of ours if there is none.

    Raises
    ------
    MalformedContract
        With the line, where a feed is not known, lacks a column or has it in another type, or
        where references go round in a circle, which is named.
    """
    if not contract.registry_rules:
        return
    for rule, path in zip(contract.rules, rule_paths(contract), strict=True):
        if isinstance(rule, Registry):
            with lines_of(contract.text), within(*path, "implementation"):
                registry = _loaded(rule.feed, contract, load)
                _check_circle((contract.feed, rule.feed), registry, contract, load)
                _check_columns(rule, contract, registry)


def _loaded(feed: str, contract: Contract, load: Callable[[str], Contract]) -> Contract:
    if feed == contract.feed:
        return contract
    try:
        return load(feed)
    except (KeyError, VeracityError) as exc:
        raise fault(f"registry: want a feed that was added before, got {feed!r}", "feed") from exc


def _check_circle(
    way: tuple[str, ...], at: Contract, contract: Contract, load: Callable[[str], Contract]
) -> None:
    """Follow every reference from ``at``; the way there is ``way``."""
    todo, seen = [(way, at)], {at.feed}
    while todo:
        way, at = todo.pop()
        if way[-1] == contract.feed:
            raise fault(f"registry: want no circle of references, got {' -> '.join(way)}", "feed")
        for rule in at.rules:
            if isinstance(rule, Registry) and (rule.feed == contract.feed or rule.feed not in seen):
                seen.add(rule.feed)
                todo.append(((*way, rule.feed), _loaded(rule.feed, contract, load)))


def _check_columns(rule: Registry, contract: Contract, registry: Contract) -> None:
    types = {f.name: f.type for f in registry.fields}
    own_types = {f.name: f.type for f in contract.fields}
    for setting, pairs in (("match", rule.match), ("equal", rule.equal)):
        for own, other in pairs:
            same = own_types[own] in _NUMBERS and types.get(other) in _NUMBERS
            if types.get(other) != own_types[own] and not same:
                raise _wrong(setting, f"a {own_types[own]}", registry, other, types)
    for _, other, _ in rule.near:
        if types.get(other) not in _NUMBERS:
            raise _wrong("within", "a number", registry, other, types)
    for setting, name in (("from", rule.since), ("to", rule.until)):
        if name is not None and types.get(name) not in _TIMES:
            raise _wrong(setting, "a timestamp or a date", registry, name, types)


def _wrong(
    setting: str, wanted: str, registry: Contract, name: str, types: Mapping[str, str]
) -> MalformedContract:
    got = f"{name!r} of type {types[name]}" if name in types else f"no column {name!r}"
    return fault(f"registry.{setting}: want {wanted} of feed {registry.feed}, got {got}", setting)
