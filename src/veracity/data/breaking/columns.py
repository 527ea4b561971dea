"""What changed in the columns of a contract."""

from collections.abc import Iterator, Sequence

from veracity.data.breaking.change import Breaks, Change
from veracity.data.breaking.limits import limits
from veracity.data.contract_field import Field
from veracity.units import UnknownUnit, conversion

_FACTOR = 1e-9  # scales closer than this, relatively, give the same values


def column_changes(old: Sequence[Field], new: Sequence[Field]) -> Iterator[Change]:
    """Yield what changed from one list of columns to another."""
    before, after = {f.name: f for f in old}, {f.name: f for f in new}
    renamed = _renamed(old, new)
    for name, f in before.items():
        if name in renamed:
            why = "the same source column under another name: readers who ask for the old one get an error"
            yield Change("column-renamed", name, name, renamed[name].name, "readers", why)
            yield from _field(f, renamed[name])
        elif name in after:
            yield from _field(f, after[name])
        else:
            yield Change(
                "column-removed", name, f.type, None, "readers", "readers who ask for it get an error"
            )
    taken = {f.name for f in renamed.values()}
    for f in new:
        if f.name not in before and f.name not in taken:
            why = (
                "required: files without it are refused"
                if f.required
                else "readers who ask by name see nothing of it"
            )
            yield Change("column-added", f.name, None, f.type, "senders" if f.required else "no", why)
    shared_old = [f.name for f in old if f.name in after]
    shared_new = [f.name for f in new if f.name in before]
    if shared_old != shared_new:
        why = "readers who take columns by their position get another one"
        yield Change(
            "columns-reordered", "columns", ", ".join(shared_old), ", ".join(shared_new), "readers", why
        )


def _renamed(old: Sequence[Field], new: Sequence[Field]) -> dict[str, Field]:
    """Match each column that is gone with a new one read from the same place."""
    names_old, names_new = {f.name for f in old}, {f.name for f in new}
    left = [f for f in new if f.name not in names_old]
    out: dict[str, Field] = {}
    for f in old:
        if f.name in names_new:
            continue
        match = next((g for g in left if g.type == f.type and _places(f) & _places(g)), None)
        if match is not None:
            out[f.name] = match
            left.remove(match)
    return out


def _places(f: Field) -> set[str]:
    template = {"template " + f.template} if f.template else set()
    joined = {"joined " + " ".join(f.joined)} if f.joined else set()
    return {f"column {s}" for s in f.sources} | template | joined


def _field(old: Field, new: Field) -> Iterator[Change]:
    name = old.name
    if old.type != new.type:
        why = "the same name holds values of another type"
        yield Change("column-retyped", name, old.type, new.type, "readers", why)
    if old.personal != new.personal:
        said = {True: "personal", False: "in clear"}
        why = "evidence never changes: what was kept in clear stays so, and rows would differ in kind"
        yield Change("personal-changed", name, said[old.personal], said[new.personal], "readers", why)
    yield from _units(old, new)
    if old.required and not new.required:
        yield Change("required-dropped", name, "required", "optional", "readers", "readers may see nulls")
    if new.required and not old.required:
        why = "rows without it are set aside, files without the column refused"
        yield Change("required-added", name, "optional", "required", "senders", why)
    if old.type == new.type:
        yield from limits(old, new)
    yield from _reading(old, new)
    if old.description != new.description:
        why = "describes only; read it, for the meaning may have changed"
        yield Change("description", name, _cut(old.description), _cut(new.description), "no", why)


def _units(old: Field, new: Field) -> Iterator[Change]:
    """Compare units and conversions: the change that no program notices."""
    if old.unit != new.unit:
        yield Change("unit-changed", old.name, old.unit, new.unit, *_unit_effect(old, new))
    elif not _equal(old.scale, new.scale) or not _equal(old.offset, new.offset):
        why = f"the unit's name stays, the values of the same file do not: {_law(old, new)}"
        yield Change("conversion-changed", old.name, _conversion(old), _conversion(new), "readers", why)


def _unit_effect(old: Field, new: Field) -> tuple[Breaks, str]:
    if old.unit is None:
        return "no", "says what was not said; check that readers took the values so"
    if new.unit is None:
        return "readers", "readers no longer know what the values are in"
    try:
        scale, offset = conversion(old.unit, new.unit)
    except UnknownUnit:
        return "readers", "another kind of quantity under the same name"
    shift = f" {'+' if offset >= 0 else '-'} {abs(offset):g}" if offset else ""
    return "readers", (
        f"nothing fails, but who takes {old.unit} is wrong: a value is the old one times {scale:g}{shift}"
    )


def _law(old: Field, new: Field) -> str:
    factor = new.scale / old.scale
    offset = new.offset - old.offset * factor
    return f"times {factor:g}" + (
        f", {'plus' if offset > 0 else 'minus'} {abs(offset):g}" if abs(offset) > _FACTOR else ""
    )


def _conversion(f: Field) -> str:
    return f"source * {f.scale:g} + {f.offset:g}"


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= _FACTOR * max(abs(a), abs(b))


def _reading(old: Field, new: Field) -> Iterator[Change]:
    """Compare how a value is found and read."""
    name = old.name
    gone, come = _places(old) - _places(new), _places(new) - _places(old)
    if gone:
        why = "files that call it so are read as if it were absent"
        yield Change("source-removed", name, _listed(gone), _listed(come), "senders", why)
    elif come:
        yield Change("source-added", name, None, _listed(come), "no", "more files can be read")
    if old.decimal != new.decimal:
        why = "numbers with the old mark cannot be read any more"
        yield Change("decimal-changed", name, old.decimal, new.decimal, "senders", why)
    if old.zone != new.zone:
        why = "nothing fails, but the same text without an offset is another instant"
        yield Change("timezone-changed", name, old.zone, new.zone, "readers", why)
    yield from _formats(old, new)
    lost, more = old.missing - new.missing, new.missing - old.missing
    if lost:
        why = "texts that stood for no value are read as values"
        yield Change("missing-removed", name, _listed(lost), None, "readers", why)
    if more:
        why = "texts that were read as values stand for none"
        yield Change("missing-added", name, None, _listed(more), "senders" if new.required else "no", why)


def _formats(old: Field, new: Field) -> Iterator[Change]:
    if old.formats == new.formats:
        return
    shown = ", ".join(old.formats) or "ISO 8601", ", ".join(new.formats) or "ISO 8601"
    kept = [f for f in new.formats if f in old.formats]
    lost = [f for f in old.formats if f not in new.formats]
    first_kept = new.formats[: len(kept)] == tuple(kept)
    in_order = [f for f in old.formats if f in kept] == kept
    if not in_order or not first_kept or (lost and len(new.formats) > len(kept)):
        why = "shapes are tried in order: the same text may be read as another time"
        yield Change("format-changed", old.name, *shown, "readers", why)
    elif lost:
        yield Change(
            "format-removed", old.name, *shown, "senders", "times so written cannot be read any more"
        )
    else:
        yield Change("format-added", old.name, *shown, "no", "more times can be read")


def _listed(texts: set[str] | frozenset[str]) -> str | None:
    return ", ".join(repr(t) for t in sorted(texts)) or None


def _cut(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
