"""``/api/v1/writes``: what was written over the network, by whom and when, for auditors."""

import hashlib
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.accounts.journal import list_path, read_list
from veracity.home.accounts.lines import Line
from veracity.home.home import Home
from veracity.server.accounts.doors import DENIED, Account, needs
from veracity.server.accounts.shapes import AccountName, Time
from veracity.server.answers import PRIVATE
from veracity.server.api.shapes import next_url
from veracity.server.api.sharing import CityState
from veracity.server.documented import problems
from veracity.server.errors import CityUnreadable

ROUTER = APIRouter(prefix="/api/v1/writes", tags=["accounts"])
MAX_PAGE = 1_000


class WriteShape(BaseModel):
    """One request that may have changed something, and the log entry whose list has it."""

    number: int
    at: Time
    account: str
    came_by: str
    credential: str = Field(description="The token's or the session's public identifier.")
    method: str
    path: str
    status: int
    body_sha256: str
    found_entry: int | None = Field(
        description="Of a write whose server was killed before it noted it: the log entry it was found by."
    )
    entry: int


class WriteList(BaseModel):
    """A part of the journal; ``next`` is the address of the next one, null at the end."""

    items: list[WriteShape]
    next: str | None


@ROUTER.get("", responses=DENIED | problems(422, 503))
def list_writes(
    request: Request,
    response: Response,
    city: CityState,
    _who: Annotated[Account, Depends(needs("auditor"))],
    account: Annotated[AccountName | None, Query(description="Whose; all if left out.")] = None,
    after: Annotated[int, Query(ge=-1, le=2**53, description="The number to go on after.")] = -1,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
) -> WriteList:
    """List what was written over the network, in order, as far as the log has it."""
    response.headers["Cache-Control"] = PRIVATE
    found: list[WriteShape] = []
    with city.home() as home:
        for entry, write in _sealed(home, after):
            if account is not None and write.account != account:
                continue
            if len(found) == limit:
                return WriteList(items=found, next=next_url(request, str(found[-1].number), "after"))
            found.append(WriteShape(entry=entry, **vars(write)))
    return WriteList(items=found, next=None)


def _sealed(home: Home, after: int) -> Iterator[tuple[int, Line]]:
    """Yield the writes of the lists in the log, each with the log's entry; lists before ``after`` stay shut.

    Raises
    ------
    CityUnreadable
        If a list is gone or changed.
    """
    said: Any
    for entry, said in home.index.walk("access"):
        if said["act"] != "writes" or int(said["writes"]["numbers"]["last"]) <= after:
            continue
        sha256 = str(said["writes"]["sha256"])
        data = home.objects.get(list_path(sha256))
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CityUnreadable("writes: want the list that the log has, got another")
        yield from ((entry, write) for write in read_list(data) if write.number > after)
