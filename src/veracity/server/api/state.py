"""What the API remembers between requests: all of it can be made again from the home."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from veracity.home.home import Home
from veracity.server.api.flags import Flags
from veracity.server.api.ground import KeptGround
from veracity.server.api.kept_answers import KeptAnswers
from veracity.server.api.ledger import Ledger
from veracity.server.api.shapes import json_body
from veracity.server.api.slowly import Slowly
from veracity.server.batches import Batches
from veracity.server.city_reader import CityReader
from veracity.server.healths import Healths


@dataclass
class Memory:
    """Batches, health, flags, the log's lines and lineage, the ground, and answers that take long to make."""

    batches: Batches
    healths: Healths
    flags: Flags = field(default_factory=Flags)
    ledger: Ledger = field(default_factory=Ledger)
    slowly: Slowly = field(default_factory=Slowly)
    answers: KeptAnswers = field(default_factory=KeptAnswers)
    ground: KeptGround = field(default_factory=KeptGround)

    def answer(
        self, request: Request, city: CityReader, make: Callable[[Home], BaseModel], *depends: Hashable
    ) -> Response:
        """Return what ``make`` makes as JSON with its entity tag, made once for each size of the log.

        ``depends`` is all that it depends on besides the log and the path; where none is given, the query.
        A route that takes none gives None.
        """
        asked = depends or (request.url.query,)
        return json_body(request, self.answers.get(city, (request.url.path, *asked), make))


async def _memory(request: Request) -> Memory:
    memory: Memory = request.app.state.memory
    return memory


MemoryState = Annotated[Memory, Depends(_memory)]
