"""Joining a city with a one-time code: makes the key, asks, and writes what the city answers.

The key and the request are kept before anything is sent. So one whose answer was lost on the way is sent
again by the same command, byte for byte, and gets the same answer.
"""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from veracity.gateway.config import CA, JOINED, KEY, PASSWORD, POLICY
from veracity.gateway.database import usable
from veracity.gateway.errors import AlreadyJoined, CityUnavailable, JoinRejected, MalformedConfig
from veracity.gateway.web import body_of, is_http
from veracity.provenance.joining import (
    LOSSES_FEED,
    MAX_ANSWER_BYTES,
    Joined,
    invitation_of,
    joined_object,
    make_request,
    open_answer,
    parse_code,
)
from veracity.provenance.keys import SigningKey, write_signing_key
from veracity.provenance.secret_files import read_secret, replace_secret

TIMEOUT_S = 30.0
PATH = "join"
Post = Callable[[str, bytes], bytes]  #: a URL and a body to the answer's


def join(code: str, city: str, state: Path, post: Post) -> Joined:
    """Join the city at a URL; what it answers is in ``state`` when this returns.

    Raises
    ------
    MalformedCode
        If the code is not one.
    AlreadyJoined
        If there is a city already.
    CityUnavailable
        If it does not answer: trying again is safe.
    JoinRejected, JoiningRejected
        If it says no, or whoever answered does not know the code.
    """
    invitation = invitation_of(parse_code(code))
    if not is_http(city):
        raise MalformedConfig(f"city: want http:// or https://, got {city[:80]!r}")
    if (state / JOINED).exists():
        raise AlreadyJoined(f"join: want a gateway without a city, got one in {state}")
    with usable(state):
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (state / KEY).exists():
        write_signing_key(SigningKey.generate(), state / KEY)
    key = SigningKey.from_pem(read_secret(state / KEY, "gateway key"))
    request = make_request(invitation, key)
    joined = open_answer(post(f"{city.rstrip('/')}/{PATH}", request), request, invitation)
    _write(joined, state)
    return joined


def _write(joined: Joined, state: Path) -> None:
    """Write the files, ``joined.json`` last: with it the gateway has a city."""
    broker = joined.broker
    with usable(state):
        replace_secret(state / POLICY, joined.policy.encode())
        if broker is not None and broker.password is not None:
            replace_secret(state / PASSWORD, broker.password.encode() + b"\n")
        if broker is not None and broker.ca is not None:
            replace_secret(state / CA, broker.ca.encode())
        replace_secret(state / JOINED, json.dumps(joined_object(joined), indent=2).encode() + b"\n")


def starter(joined: Joined, state: str) -> str:
    """Return a configuration to begin with; ``state`` as it is to stand in it."""
    broker = joined.broker
    lines = [f"gateway: {joined.name}", f"state: {json.dumps(state)}", "city:"]
    lines.append(f"  url: {json.dumps(broker.url if broker else 'mqtts://CHANGE-ME:8883')}")
    if broker is not None and broker.user is not None:
        lines.append(f"  user: {json.dumps(broker.user)}")
    if broker is not None and broker.password is not None:
        lines.append(f"  password_file: {json.dumps(f'{state}/{PASSWORD}')}")
    if broker is not None and broker.ca is not None:
        lines.append(f"  ca_file: {json.dumps(f'{state}/{CA}')}")
    feeds = ", ".join(joined.feeds) or "any"
    return "\n".join(
        [*lines, f"losses: {LOSSES_FEED}", f"sources: []  # of the feeds that the city invited: {feeds}", ""]
    )


def post_http(url: str, body: bytes) -> bytes:
    """Post a body and return the answer, of bounded size in bounded time."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - checked above
    try:
        return body_of(request, MAX_ANSWER_BYTES, TIMEOUT_S)
    except urllib.error.HTTPError as exc:
        detail = f"{exc.code}"
        with contextlib.suppress(OSError, ValueError, TypeError, HTTPException):
            detail = str(json.loads(exc.read(65_536))["detail"])[:300]
        exc.close()
        if exc.code in (408, 429) or exc.code >= 500:
            raise CityUnavailable(f"join: want an answer, got {detail}") from exc
        raise JoinRejected(f"join: want the city's yes, got: {detail}") from exc
    except (OSError, HTTPException) as exc:
        raise CityUnavailable(f"join: want an answer of {url}, got: {exc}") from exc
