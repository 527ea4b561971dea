"""Shapes that several answers share, as OpenAPI tells them."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from veracity.server.answers import FRESH, answer

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]  #: RFC 3339, UTC, ``Z``
Words = dict[str, str]  #: the same text by language: en, vi, id
Item = TypeVar("Item")


class Shape(BaseModel):
    """An object of an answer. What its maker forgot or misnamed fails here, in our tests."""

    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="null")


class Page(Shape, Generic[Item]):
    """A part of a list: ``next`` is the address of the next one, null at the end."""

    items: list[Item]
    next: str | None = None


class Tally(Shape):
    """Records counted: received = accepted + quarantined + refused."""

    received: int
    accepted: int
    quarantined: int
    refused: int


class ReasonCount(Shape):
    """How many rows broke a rule."""

    reason: str
    n: int


def shaped(request: Request, document: BaseModel, cache_control: str = FRESH) -> Response:
    """Return a document as JSON with its entity tag."""
    return json_body(request, document.model_dump_json(by_alias=True).encode(), cache_control)


def json_body(request: Request, body: bytes, cache_control: str = FRESH) -> Response:
    """Return JSON that is written already, with its entity tag."""
    return answer(request, body, "application/json", cache_control=cache_control)


def next_url(request: Request, cursor: str | None, name: str = "cursor") -> str | None:
    """Return the address of the next page of a list, relative to the server's root; None for no more.

    ``name`` is the parameter that says where it goes on.
    """
    if cursor is None:
        return None
    url = request.url.include_query_params(**{name: cursor})
    return f"{url.path}?{url.query}"
