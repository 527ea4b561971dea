"""What a contract says of its feed for people: purpose, limits, terms of use, licence, whom to ask."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from veracity.data.contract import CONTRACT_BYTES, Contract
from veracity.data.errors import MalformedContract
from veracity.data.plain_yaml import parse_yaml

_LICENCE = ("license", "licence")
_WEB = re.compile(r"https?://[^\s<>\"{}|\\^`]{1,1000}")
_MAX_LINKS = 50


@dataclass(frozen=True)
class About:
    """The words of a contract; empty where it has none.

    Attributes
    ----------
    licence
        An address, from ``authoritativeDefinitions`` of type ``license``; None if none is named.
    definitions
        The other addresses there, as (type, address).
    contact
        An address of ``support``, the first; None if there is none.
    """

    purpose: str
    limitations: str
    usage: str
    licence: str | None
    definitions: tuple[tuple[str, str], ...]
    contact: str | None

    @property
    def description(self) -> str:
        """All three in one text; what a feed without words gets is a dash."""
        told = [self.purpose, self.limitations and f"Limits: {self.limitations}", self.usage]
        return "\n\n".join(" ".join(text.split()) for text in told if text) or "-"


def about(contract: Contract) -> About:
    """Read what a contract says for people."""
    return _about(contract.text)


@lru_cache(maxsize=256)
def _about(text: bytes) -> About:
    document = parse_yaml(text, "contract", CONTRACT_BYTES, MalformedContract)
    described = document.get("description")
    told = described if isinstance(described, dict) else {}
    links = [*_links(document), *_links(told)]
    licence = next((url for kind, url in links if kind.lower() in _LICENCE), None)
    support = document.get("support")
    contacts = [s.get("url") for s in support if isinstance(s, dict)] if isinstance(support, list) else []
    return About(
        purpose=str(told.get("purpose") or ""),
        limitations=str(told.get("limitations") or ""),
        usage=str(told.get("usage") or ""),
        licence=licence,
        definitions=tuple(link for link in links if link[0].lower() not in _LICENCE),
        contact=next((c for c in contacts if isinstance(c, str) and _is_address(c)), None),
    )


def _links(part: dict[str, Any]) -> list[tuple[str, str]]:
    listed = part.get("authoritativeDefinitions")
    found = listed[:_MAX_LINKS] if isinstance(listed, list) else []
    pairs = [(str(d.get("type") or ""), d.get("url")) for d in found if isinstance(d, dict)]
    return [(kind, url) for kind, url in pairs if isinstance(url, str) and _WEB.fullmatch(url)]


def _is_address(text: str) -> bool:
    return _WEB.fullmatch(text) is not None or re.fullmatch(r"mailto:[^\s<>\"]{3,300}", text) is not None
