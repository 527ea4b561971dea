"""XML from anyone: what is read of it, and what can do no harm."""

import resource

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veracity.feeds.errors import MalformedDocument
from veracity.feeds.plain_xml import MAX_DEPTH, MAX_ELEMENTS, parse_xml

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol0 "'
    + b"lol" * 100
    + b'">'
    + b"".join(b'<!ENTITY lol%d "%s">' % (i, b"&lol%d;" % (i - 1) * 10) for i in range(1, 10))
    + b"]><lolz>&lol9;</lolz>"
)


def read(document: bytes, max_bytes: int = 8_388_608) -> object:
    """Read a document as a source does."""
    return parse_xml(document, "document", max_bytes)


def test_names_texts_and_namespaces() -> None:
    """Children are found in their parent's namespace, whatever prefix they were written with."""
    root = parse_xml(
        '<?xml version="1.0"?><a xmlns="urn:x" xmlns:y="urn:y" n="1">đ &amp; <![CDATA[<b>]]>'
        "<b> one </b><y:b>other</y:b><b/><c><b>deep</b></c></a>".encode(),
        "document",
        1_000,
    )
    assert (root.namespace, root.name, dict(root.attributes)) == ("urn:x", "a", {"n": "1"})
    assert root.text == "đ & <b>"
    assert (root.texts("b"), root.first("b"), root.first("d")) == ([" one ", ""], "one", None)
    assert [e.name for e in root.walk()] == ["a", "b", "b", "b", "c", "b"]


def test_a_billion_laughs_take_no_memory() -> None:
    """Entities are never read, so they never unfold."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(MalformedDocument, match="document type"):
        read(LAUGHS)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 50_000 + b'">]><a>' + b"&x;" * 50_000 + b"</a>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:1/"> %p;]><a/>',
        b"<a>&undefined;</a>",
        b"<a>&#xD800;</a>",
        b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
        b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>",
        b"<a>" + b" " * 8_388_608 + b"</a>",
        b"<a><b></a></b>",
        b"<a/><b/>",
        b"",
        b"{}",
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<?xml version="1.0" encoding="zip"?><a/>',
        b"\xff\xfe<\x00a",
        b'<a x="1" x="2"/>',
        b"<p:a/>",
    ],
    ids=lambda d: bytes(d[:50]).decode("latin-1"),
)
def test_what_is_not_plain_is_malformed(document: bytes) -> None:
    """Document types, depth, size, and what is no XML."""
    with pytest.raises(MalformedDocument):
        read(document)


@given(st.binary(max_size=60) | st.text("<>/&;#x!-[]ab\"'= \n", max_size=60).map(str.encode))
def test_nothing_else_comes_out(document: bytes) -> None:
    """Whatever it is, it is read or malformed."""
    try:
        read(document)
    except MalformedDocument:
        return
