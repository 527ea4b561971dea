"""A version of a feed as Croissant 1.1, which machine-learning tools load by one address. Pure.

https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
"""

from typing import Any

from veracity.data.contract import Contract
from veracity.server.catalogue.snapshots import Snapshot
from veracity.server.catalogue.spool import Made
from veracity.server.contract_about import about

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
_CR = (
    *("citeAs", "column", "containedIn", "extract", "field", "fileProperty", "fileObject"),
    *("fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace"),
    *("samplingRate", "separator", "source", "subField", "transform", "arrayShape", "isArray"),
    *("equivalentProperty", "value"),
)
_TYPES = {
    "string": "sc:Text",
    "integer": "sc:Integer",
    "number": "sc:Float",
    "boolean": "sc:Boolean",
    "timestamp": "sc:DateTime",
    "date": "sc:Date",
}
_OURS = {
    "_record": ("sc:Integer", "Number of the record in its batch."),
    "_batch": ("sc:Integer", "Number of the batch: with the record it names the receipt of the row."),
    "_flags": ("sc:Text", "Rules that the row broke which only flag, separated by blanks; empty for most."),
    "_simulated": ("sc:Boolean", "True: the row is simulated."),
}


def croissant(url: str, origin: str, snap: Snapshot, file: Made) -> dict[str, Any]:
    """Return the document of a version whose Parquet file is ``file``; ``url`` is where the city is found."""
    contract, told = snap.contract, about(snap.contract)
    base = f"{url}/catalogue/{snap.feed}/{snap.version}"
    mark = "SIMULATED. " if snap.simulated else ""
    document: dict[str, Any] = {
        "@context": _context(),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": snap.feed,
        "alternateName": contract.title,
        "description": mark + told.description,
        "license": told.licence or "not stated",
        "citeAs": _cited(snap, contract.agency or origin, base),
        "url": f"{base}/manifest.json",
        "identifier": f"{base}/rows.parquet",
        "version": _version(contract, snap),
        "creator": {"@type": "sc:Organization", "name": contract.agency or origin, "url": url},
        "publisher": {"@type": "sc:Organization", "name": origin, "url": url},
        "datePublished": snap.received_at,
        "dateModified": snap.received_at,
        "isLiveDataset": False,
        "inLanguage": "en",
        "keywords": [*contract.tags, *(["simulated"] if snap.simulated else [])],
        "isBasedOn": f"{url}/catalogue/{snap.feed}/contract/{contract.sha256}.yaml",
        "prov:wasDerivedFrom": {"@id": f"{url}/catalogue/{snap.feed}"},
        "prov:wasGeneratedBy": {"@id": f"{url}/api/v1/lineage/{snap.entry}"},
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "rows.parquet",
                "name": "rows.parquet",
                "description": f"{snap.n_rows} rows as known at {snap.received_at}, log entry {snap.entry}.",
                "contentUrl": f"{base}/rows.parquet",
                "contentSize": f"{file.n_bytes} B",
                "encodingFormat": "application/x-parquet",
                "sha256": file.sha256,
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "rows",
                "name": "rows",
                "description": "One record for each accepted row, in order of arrival.",
                "field": _fields(contract, snap),
            }
        ],
    }
    if contract.key and contract.carried is None:
        key: list[dict[str, str]] = [{"@id": f"rows/{name}"} for name in contract.key]
        document["recordSet"][0]["key"] = key if len(key) > 1 else key[0]
    return document


def _fields(contract: Contract, snap: Snapshot) -> list[dict[str, Any]]:
    fields = []
    for f in contract.fields:
        unit = f" Unit: {f.unit} (UCUM)." if f.unit else ""
        fields.append(_field(f.name, _TYPES[f.type], (f.description or f.name) + unit))
    ours = [name for name in _OURS if name != "_simulated" or snap.simulated]
    return [*fields, *(_field(name, *_OURS[name]) for name in ours)]


def _field(name: str, kind: str, description: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"rows/{name}",
        "name": name,
        "description": description,
        "dataType": kind,
        "source": {"fileObject": {"@id": "rows.parquet"}, "extract": {"column": name}},
    }


def _cited(snap: Snapshot, author: str, url: str) -> str:
    """Return how to cite a version, as BibTeX."""
    title = snap.contract.title.translate({ord(c): None for c in "{}\\"})
    year = snap.received_at[:4]
    return (
        f"@misc{{{snap.feed}-{snap.version}, author={{{author}}}, title={{{title}}}, year={{{year}}},"
        f" version={{{snap.version}}}, url={{{url}/manifest.json}}}}"
    )


def _version(contract: Contract, snap: Snapshot) -> str:
    """Return major, minor and the number of the batch: the form that the specification asks for."""
    parts = contract.version.split(".")
    numbers = [p if p.isascii() and p.isdecimal() else "0" for p in [*parts, "0", "0"][:2]]
    return f"{int(numbers[0])}.{int(numbers[1])}.{snap.version}"


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "sc": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "prov": "http://www.w3.org/ns/prov#",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        **{name: f"cr:{name}" for name in _CR},
    }
