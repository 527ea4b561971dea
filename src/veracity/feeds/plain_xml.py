"""Plain XML: bounded, and without a document type, so without entities. Alerts and indexes are read from it.

All that makes XML dangerous to read stands in a document type: entities that unfold into gigabytes, files
and addresses of others. None of the documents read here needs one, so expat (of the standard library) is
stopped where one begins. What is left costs no more than the bytes that came.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.parsers.expat import ExpatError, ParserCreate

from veracity.feeds.errors import MalformedDocument

MAX_DEPTH = 64
MAX_ELEMENTS = 200_000


@dataclass
class Element:
    """An element as it was read; its owner changes nothing in it.

    Attributes
    ----------
    namespace, name
        Its name in two parts; "" where it is in no namespace.
    attributes
        By name, those in a namespace as ``namespace name``.
    text
        The characters right in it, of its children none.
    """

    namespace: str
    name: str
    attributes: Mapping[str, str]
    text: str = ""
    children: list["Element"] = field(default_factory=list)

    def all(self, name: str) -> list["Element"]:
        """Return the children of a name, in this element's own namespace."""
        return [c for c in self.children if c.name == name and c.namespace == self.namespace]

    def texts(self, name: str) -> list[str]:
        """Return the texts of the children of a name."""
        return [child.text for child in self.all(name)]

    def first(self, name: str) -> str | None:
        """Return the text of the first child of a name, without blanks at its ends; None if there is none."""
        return next((text.strip() for text in self.texts(name)), None)

    def walk(self) -> Iterator["Element"]:
        """Yield this element and all below it, in the document's order."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))


def parse_xml(document: bytes, what: str, max_bytes: int) -> Element:
    """Read an XML document and return its root.

    Raises
    ------
    MalformedDocument
        If it is not well formed, has a document type, or is larger, deeper or of more elements than allowed.
    """
    if len(document) > max_bytes:
        raise MalformedDocument(f"{what}: want at most {max_bytes} bytes, got {len(document)}")
    reading = _Reading(what)
    parser = ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reading.document_type
    parser.StartElementHandler = reading.start
    parser.EndElementHandler = reading.end
    parser.CharacterDataHandler = reading.characters
    try:
        parser.Parse(document, True)
    except (ExpatError, ValueError, LookupError) as exc:  # the last two: an encoding that is none
        if isinstance(exc, MalformedDocument):
            raise
        raise MalformedDocument(f"{what}: want XML, got: {exc}") from exc
    assert reading.root is not None
    return reading.root


class _Reading:
    """What is open while a document is read."""

    def __init__(self, what: str) -> None:
        self.root: Element | None = None
        self._what = what
        self._open: list[tuple[Element, list[str]]] = []
        self._n_elements = 0

    def document_type(self, *_: object) -> None:
        raise MalformedDocument(f"{self._what}: want XML without a document type, got one")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._n_elements += 1
        if len(self._open) == MAX_DEPTH or self._n_elements > MAX_ELEMENTS:
            raise MalformedDocument(
                f"{self._what}: want at most {MAX_DEPTH} levels and {MAX_ELEMENTS} elements, got more"
            )
        namespace, _, name = tag.rpartition(" ")
        element = Element(namespace, name, attributes)
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def end(self, _: str) -> None:
        element, parts = self._open.pop()
        element.text = "".join(parts)

    def characters(self, text: str) -> None:
        self._open[-1][1].append(text)
