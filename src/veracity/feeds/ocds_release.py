"""A release of the Open Contracting Data Standard as one row: what was bought, by whom, from whom, how dear.

A release is all that was said of a contracting process at one time, a compiled release all that holds by
then. The row has its ends and totals; parties, items, documents and milestones stand in the document alone.

References
----------
Open Contracting Data Standard 1.1.5, https://standard.open-contracting.org/1.1/en/schema/reference/
"""

import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from veracity.feeds.errors import MalformedDocument
from veracity.feeds.rows import as_object, as_objects, check_count, joined, parse_json, row

MAX_PACKAGE_BYTES = 16_777_216  # when parsed, a hostile one takes some forty times its size
MAX_LINES_BYTES = 268_435_456  # after decompression; one line is read at a time
_WHAT = "OCDS"
_INACTIVE = ("cancelled", "unsuccessful")


def render_package(document: bytes) -> list[bytes]:
    """Return one row for each release of a package of releases or records, or of a release alone.

    Of a record come the releases that stand in it and its compiled release; not those it links to.

    Raises
    ------
    MalformedDocument
        If it is none of these, or too large.
    """
    return render_parsed(parse_package(document))


def parse_package(document: bytes) -> Mapping[str, Any]:
    """Read a document that should be a package; raises MalformedDocument."""
    if len(document) > MAX_PACKAGE_BYTES:
        raise MalformedDocument(f"{_WHAT}: want at most {MAX_PACKAGE_BYTES} bytes, got {len(document)}")
    value = parse_json(document, _WHAT)
    if not isinstance(value, dict):
        raise MalformedDocument(f"{_WHAT}: want a package, got no object")
    return value


def render_parsed(package: Mapping[str, Any]) -> list[bytes]:
    """Return the rows of a package that was read."""
    releases = _releases(package)
    check_count(len(releases), _WHAT)
    return [row(_values(release)) for release in releases]


def render_lines(document: bytes) -> list[bytes]:
    """Return the rows of JSON lines, each a release or a package; the document may be a gzip file.

    Raises MalformedDocument, also if it is too large.
    """
    rows: list[bytes] = []
    for number, line in enumerate(_lines(document), 1):
        if not line.strip():
            continue
        try:
            rows.extend(render_package(line))
        except MalformedDocument as exc:
            raise MalformedDocument(f"line {number}: {exc}") from exc
        check_count(len(rows), _WHAT)
    return rows


def _releases(package: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "releases" in package and "ocid" not in package:
        return _listed(package, "releases")
    if "records" in package:
        return [release for record in _listed(package, "records") for release in _of_record(record)]
    if "ocid" in package:
        is_record = "compiledRelease" in package or "releases" in package
        return list(_of_record(package)) if is_record else [package]
    raise MalformedDocument(f"{_WHAT}: want releases, records or an ocid, got none of them")


def _listed(package: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = as_objects(package[name])
    if not isinstance(package[name], list) or len(found) != len(package[name]):
        raise MalformedDocument(f"{_WHAT}: want {name}, an array of objects, got something else")
    return found


def _of_record(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for release in as_objects(record.get("releases")):
        if "ocid" in release:  # one that is linked to has a url instead
            yield release
    if isinstance(compiled := record.get("compiledRelease"), dict):
        yield {"ocid": record.get("ocid"), **compiled}


def _values(release: Mapping[str, Any]) -> dict[str, Any]:
    tender = as_object(release.get("tender"))
    buyer = as_object(release.get("buyer"))
    entity = as_object(tender.get("procuringEntity"))
    awards = _active(release.get("awards"))
    contracts = _active(release.get("contracts"))
    bids = as_objects(as_object(release.get("bids")).get("details"))
    suppliers = [s for award in awards for s in as_objects(award.get("suppliers"))]
    tags = release.get("tag")
    return {
        "ocid": release.get("ocid"),
        "release": release.get("id"),
        "released_at": release.get("date"),
        "tags": joined(tags if isinstance(tags, list) else [tags]),
        "language": release.get("language"),
        "initiation": release.get("initiationType"),
        "buyer_id": buyer.get("id"),
        "buyer": buyer.get("name"),
        "entity_id": entity.get("id"),
        "entity": entity.get("name"),
        "tender": tender.get("id"),
        "title": tender.get("title") or release.get("title"),
        "description": tender.get("description") or release.get("description"),
        "status": tender.get("status"),
        "method": tender.get("procurementMethod"),
        "method_details": tender.get("procurementMethodDetails"),
        "category": tender.get("mainProcurementCategory"),
        **_period("tender", tender.get("tenderPeriod")),
        **_value("budget", as_object(as_object(release.get("planning")).get("budget")).get("amount")),
        **_value("tender", tender.get("value")),
        **_total("award", awards),
        **_total("contract", contracts),
        "n_items": _count(tender, "items"),
        "n_bids": len(bids) if "bids" in release else None,
        "n_tenderers": tender.get("numberOfTenderers", _count(tender, "tenderers")),
        "n_awards": _count(release, "awards"),
        "n_contracts": _count(release, "contracts"),
        "suppliers": joined((s.get("name") or s.get("id") for s in suppliers), "; "),
        "supplier_ids": joined(s.get("id") for s in suppliers),
    }


def _active(found: Any) -> list[Mapping[str, Any]]:
    """Return awards or contracts but for those that came to nothing."""
    return [one for one in as_objects(found) if one.get("status") not in _INACTIVE]


def _count(parent: Mapping[str, Any], name: str) -> int | None:
    """Return how many there are; None where nothing is said of them."""
    return len(parent[name]) if isinstance(parent.get(name), list) else None


def _period(name: str, period: Any) -> dict[str, Any]:
    found = as_object(period)
    return {f"{name}_start": found.get("startDate"), f"{name}_end": found.get("endDate")}


def _value(name: str, value: Any) -> dict[str, Any]:
    found = as_object(value)
    return {f"{name}_amount": found.get("amount"), f"{name}_currency": found.get("currency")}


def _total(name: str, items: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Add up the values of some; nothing where one has none, or currencies differ."""
    values = [as_object(item.get("value")) for item in items]
    amounts = [v.get("amount") for v in values]
    numbers = [float(a) for a in amounts if isinstance(a, int | float) and not isinstance(a, bool)]
    currencies = list({str(v.get("currency")) for v in values})
    if not items or len(numbers) != len(items) or len(currencies) != 1:
        return {}
    return {f"{name}_amount": _sum(numbers), f"{name}_currency": values[0].get("currency")}


def _sum(numbers: Sequence[float]) -> float | None:
    try:
        return math.fsum(numbers)
    except OverflowError:
        return None


def _lines(document: bytes) -> Iterator[bytes]:
    """Yield the lines of a document, decompressed bit by bit if it is a gzip file."""
    if not document.startswith(b"\x1f\x8b"):
        yield from document.split(b"\n")
        return
    rest = b""
    for piece in _inflated(document):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > MAX_PACKAGE_BYTES:
            raise MalformedDocument(
                f"{_WHAT}: want lines of at most {MAX_PACKAGE_BYTES} bytes, got a longer one"
            )
    yield rest


def _inflated(document: bytes) -> Iterator[bytes]:
    inflating = zlib.decompressobj(zlib.MAX_WBITS | 16)
    n_bytes = 0
    while not inflating.eof:
        try:
            piece = inflating.decompress(document, 1_048_576)
        except zlib.error as exc:
            raise MalformedDocument(f"{_WHAT}: want a sound gzip file, got a damaged one") from exc
        document = inflating.unconsumed_tail
        n_bytes += len(piece)
        if n_bytes > MAX_LINES_BYTES:
            raise MalformedDocument(f"{_WHAT}: want at most {MAX_LINES_BYTES} bytes, got more")
        if not piece and not document and not inflating.eof:
            raise MalformedDocument(f"{_WHAT}: want a whole gzip file, got the beginning of one")
        yield piece
    if inflating.unused_data:
        raise MalformedDocument(f"{_WHAT}: want one gzip stream, got more after it")
