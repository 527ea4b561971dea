"""A graph of RDF triples, written as Turtle and as JSON-LD. Pure.

Only what a catalogue needs: absolute IRIs, blank nodes, texts with a language or a type. Both forms say
the same graph; a test reads them back with another library and compares.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

PREFIXES: Mapping[str, str] = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dct": "http://purl.org/dc/terms/",
    "dqv": "http://www.w3.org/ns/dqv#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "gsp": "http://www.opengis.net/ont/geosparql#",
    "locn": "http://www.w3.org/ns/locn#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_CURIE = re.compile(r"([a-z]+):([A-Za-z][A-Za-z0-9_-]*)")
_SAFE = ":/?#[]@!$&'()*+,;=%~-._"
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True)
class Iri:
    """An absolute IRI; what cannot stand in one is percent-encoded."""

    value: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", quote(self.value, safe=_SAFE))


@dataclass(frozen=True)
class Blank:
    """A node without a name of its own; ``label`` holds within one graph: letters, digits and ``_``."""

    label: str


@dataclass(frozen=True)
class Text:
    """A literal: with a language, or a type as ``xsd:dateTime``, or plain."""

    value: str
    kind: str | None = None
    language: str | None = None


Node = Iri | Blank
Value = Iri | Blank | Text


@dataclass
class Graph:
    """Triples in the order said, each once."""

    triples: dict[tuple[Node, str, Value], None] = field(default_factory=dict)

    def say(self, subject: Node, kind: str | None = None, **said: Value | Iterable[Value] | None) -> None:
        """Add what is said of a subject: ``dct_title=Text(…)`` for ``dct:title``; None says nothing."""
        if kind is not None:
            self.add(subject, "rdf:type", named(kind))
        for name, values in said.items():
            for value in _listed(values):
                self.add(subject, name.replace("_", ":", 1), value)

    def add(self, subject: Node, predicate: str, value: Value) -> None:
        """Add one triple."""
        named(predicate)
        self.triples[subject, predicate, value] = None

    def by_subject(self) -> dict[Node, dict[str, list[Value]]]:
        """Return what is said of each subject, in the order said."""
        subjects: dict[Node, dict[str, list[Value]]] = {}
        for subject, predicate, value in self.triples:
            subjects.setdefault(subject, {}).setdefault(predicate, []).append(value)
        return subjects


def named(curie: str) -> Iri:
    """Return the IRI that a short name stands for.

    >>> named("dct:title").value
    'http://purl.org/dc/terms/title'
    """
    match = _CURIE.fullmatch(curie)
    assert match is not None, f"want a short name, got {curie!r}"
    return Iri(PREFIXES[match[1]] + match[2])


def time_text(text: str | None) -> Text | None:
    """Return an RFC 3339 time as a literal; None of none."""
    return None if text is None else Text(text, "xsd:dateTime")


def to_jsonld(graph: Graph) -> dict[str, Any]:
    """Return the graph as a JSON-LD document: flat, with short names from its ``@context``."""
    nodes = []
    for subject, said in graph.by_subject().items():
        node: dict[str, Any] = {"@id": _id(subject)}
        for predicate, values in said.items():
            if predicate == "rdf:type":
                node["@type"] = [_short(v) for v in values]
            else:
                node[predicate] = [_value(v) for v in values]
        nodes.append(node)
    return {"@context": dict(PREFIXES), "@graph": nodes}


def to_turtle(graph: Graph) -> str:
    """Return the graph as Turtle."""
    lines = [f"@prefix {name}: <{iri}> ." for name, iri in PREFIXES.items()]
    for subject, said in graph.by_subject().items():
        parts = []
        for predicate, values in said.items():
            name = "a" if predicate == "rdf:type" else predicate
            parts.append(f"    {name} " + ", ".join(_turtle(v, short=name == "a") for v in values))
        lines += ["", _turtle(subject), " ;\n".join(parts) + " ."]
    return "\n".join(lines) + "\n"


def _listed(values: Value | Iterable[Value] | None) -> Iterable[Value]:
    if values is None:
        return ()
    return (values,) if isinstance(values, (Iri, Blank, Text)) else values


def _id(node: Node) -> str:
    return node.value if isinstance(node, Iri) else f"_:{node.label}"


def _short(value: Value) -> str:
    assert isinstance(value, Iri), "a type is named"
    for prefix, iri in PREFIXES.items():
        if value.value.startswith(iri):
            return f"{prefix}:{value.value.removeprefix(iri)}"
    return value.value


def _value(value: Value) -> dict[str, str]:
    if not isinstance(value, Text):
        return {"@id": _id(value)}
    said = {"@value": value.value}
    if value.kind is not None:
        said["@type"] = value.kind
    if value.language is not None:
        said["@language"] = value.language
    return said


def _turtle(value: Value, *, short: bool = False) -> str:
    if isinstance(value, Iri):
        return _short(value) if short else f"<{value.value}>"
    if isinstance(value, Blank):
        return f"_:{value.label}"
    text = "".join(
        _ESCAPES.get(c, c if c >= " " and c != "\x7f" else f"\\u{ord(c):04X}") for c in value.value
    )
    ending = f"^^{value.kind}" if value.kind else f"@{value.language}" if value.language else ""
    return f'"{text}"{ending}'
