"""A one-time code enrols one key of one gateway, once, and nobody in between can change whose."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from small_city import AGENCY, NOW, new_city
from veracity.gateway.config import JOINED, PASSWORD, read_config
from veracity.gateway.errors import AlreadyJoined, CityUnavailable, JoinRejected
from veracity.gateway.joining import join, starter
from veracity.home.enrolments import list_keys
from veracity.home.errors import AgencyExists, BadName, UnknownAgency, UnknownFeed
from veracity.home.home import Home, open_writer
from veracity.home.invitations import FOLDER, MAX_WRONG, invite
from veracity.provenance.errors import JoiningRejected, MalformedCode
from veracity.provenance.joining import (
    Broker,
    format_code,
    invitation_of,
    make_request,
    open_answer,
    parse_code,
)
from veracity.provenance.keys import SigningKey
from veracity.server.enrolment_app import MAX_WRONG as MAX_WRONG_OF_ADDRESS
from veracity.server.enrolment_app import EnrolmentApp, enrolment_app

NAME = f"{AGENCY}/edge-1"
GATEWAY, OTHER = SigningKey(bytes([1]) * 32), SigningKey(bytes([2]) * 32)


async def nothing(_scope: Any, _receive: Any, send: Any) -> None:
    """The application behind: nothing is there."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class City:
    """A city on disk, its clock, and its enrolment over HTTP without a socket."""

    def __init__(self, folder: Path) -> None:
        self.root = new_city(folder / "city")
        self.now = NOW
        self.app: EnrolmentApp = enrolment_app(nothing, self.root, self.credentials, clock=lambda: self.now)

    def credentials(self, name: str, feeds: Sequence[str]) -> Broker | None:
        return Broker("mqtts://mqtt.city.example:8883", name.replace("/", "-"), "secret-" + "-".join(feeds))

    def invite(self, name: str = NAME, feeds: Sequence[str] = ("rain",), **more: Any) -> str:
        with open_writer(self.root, lambda: self.now) as home:
            return invite(home, name, feeds, **more)[0]

    def ask(self, body: bytes, method: str = "POST", host: str = "192.0.2.1") -> tuple[int, bytes]:
        sent: list[Any] = []
        arrived = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Any:
            return arrived.pop()

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {"type": "http", "method": method, "path": "/join", "raw_path": b"/join", "headers": [],
                 "query_string": b"", "client": (host, 1), "root_path": ""}  # fmt: skip
        asyncio.run(self.app(scope, receive, send))
        return sent[0]["status"], b"".join(m.get("body", b"") for m in sent[1:])

    def post(self, url: str, body: bytes) -> bytes:
        """As the gateway would, over a network that works."""
        assert url.endswith("/join")
        status, answer = self.ask(body)
        if status != 200:
            raise JoinRejected(str(json.loads(answer)["code"]))
        return answer

    def keys(self) -> list[str]:
        home = Home.open(self.root)
        found = [key.keyid for key in list_keys(home) if key.agency == NAME]
        home.close()
        return found


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


def test_a_gateway_joins_with_its_code(city: City, tmp_path: Path) -> None:
    """The key is made at the edge, enrolled by the operator's signature; the answer is all it needs."""
    state = tmp_path / "edge" / "state"
    joined = join(city.invite().lower().replace("-", " "), "https://city.example", state, city.post)
    key = SigningKey.from_pem((state / "key.pem").read_bytes())
    assert city.keys() == [key.public.keyid]
    assert (joined.name, joined.feeds) == (NAME, ("rain", "gateway-losses"))
    assert (state / "trust.policy").read_bytes() == (city.root / "trust.policy").read_bytes()
    assert (state / PASSWORD).read_text() == "secret-rain-gateway-losses\n"
    assert {(state / name).stat().st_mode & 0o077 for name in (PASSWORD, "key.pem", JOINED)} == {0}
    (state.parent / "gateway.yaml").write_text(starter(joined, "state"))
    config = read_config(state.parent / "gateway.yaml")
    assert (config.name, config.city.url, config.key) == (
        NAME,
        "mqtts://mqtt.city.example:8883",
        state / "key.pem",
    )
    with pytest.raises(AlreadyJoined):
        join(city.invite(f"{AGENCY}/edge-2"), "https://city.example", state, city.post)


def test_a_lost_answer_is_had_by_asking_again(city: City, tmp_path: Path) -> None:
    """The same request gets the same answer and enrols nothing twice: also who replays it gets no more."""
    code, state, asked = city.invite(), tmp_path / "state", []

    def lossy(url: str, body: bytes) -> bytes:
        asked.append((body, city.post(url, body)))
        raise CityUnavailable("join: want an answer, got a closed connection")

    with pytest.raises(CityUnavailable):
        join(code, "http://city.example", state, lossy)
    assert not (state / JOINED).exists()
    join(code, "http://city.example", state, city.post)
    ((request, answer),) = asked
    assert city.ask(request) == (200, answer)
    assert len(city.keys()) == 1


def test_a_crash_between_log_and_answer(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is in the log, the note that the code was used is not: the same request is answered."""
    invitation = invitation_of(parse_code(city.invite()))
    request = make_request(invitation, GATEWAY)

    def fails(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("veracity.home.invitations.replace_secret", fails)
        assert city.ask(request)[0] == 503
    assert len(city.keys()) == 1
    status, answer = city.ask(request)
    assert (status, open_answer(answer, request, invitation).name) == (200, NAME)
    assert len(city.keys()) == 1


def test_a_wrong_code_enrols_nothing(city: City) -> None:
    city.invite()
    status, answer = city.ask(make_request(invitation_of(bytes(15)), GATEWAY))
    assert (status, json.loads(answer)["code"]) == (403, "unknown-invitation")
    assert city.keys() == []


def test_a_key_swapped_on_the_way_is_noticed(city: City) -> None:
    """Who stands in between sees the request, and can make neither half of another."""
    code = city.invite()
    invitation = invitation_of(parse_code(code))
    mine, theirs = (json.loads(make_request(invitation, key)) for key in (GATEWAY, OTHER))
    blind = json.loads(make_request(invitation_of(bytes(15)), OTHER))
    swapped = [
        {**mine, "key": theirs["key"]},
        {**mine, "key": theirs["key"], "proof": theirs["proof"]},
        {**blind, "invitation": mine["invitation"]},
        {**mine, "proof": theirs["proof"]},
        {**mine, "mac": blind["mac"]},
    ]
    for request in swapped:
        status, answer = city.ask(json.dumps(request).encode())
        assert (status, json.loads(answer)["code"]) == (403, "joining-rejected")
    assert city.keys() == []
    assert city.ask(json.dumps(mine).encode())[0] == 200  # and the right one still gets in


def test_an_answer_by_another_is_noticed(city: City, tmp_path: Path) -> None:
    """Whoever answers without the code is not believed: nothing is written."""
    code = city.invite()
    invitation = invitation_of(parse_code(code))
    request = make_request(invitation, GATEWAY)
    _, answer = city.ask(request)
    assert b"secret" not in answer  # the password does not travel in the clear
    sealed = json.loads(answer)["sealed"]
    forged = json.dumps({**json.loads(answer), "sealed": "A" * len(sealed)}).encode()
    other_request = make_request(invitation, OTHER)
    for wrong, to in ((forged, request), (answer, other_request)):
        with pytest.raises(JoiningRejected):
            open_answer(wrong, to, invitation)
    with pytest.raises(JoiningRejected):
        join(format_code(bytes(15)), "http://city.example", tmp_path / "state", lambda _u, _b: answer)
    assert not (tmp_path / "state" / JOINED).exists()


def test_a_used_code_is_used(city: City) -> None:
    """The code in a second pair of hands, with another key."""
    invitation = invitation_of(parse_code(city.invite()))
    assert city.ask(make_request(invitation, GATEWAY))[0] == 200
    status, answer = city.ask(make_request(invitation, OTHER))
    assert (status, json.loads(answer)["code"]) == (403, "invitation-used")
    assert city.keys() == [GATEWAY.public.keyid]


def test_a_code_expires(city: City) -> None:
    invitation = invitation_of(parse_code(city.invite(valid_for=timedelta(hours=1))))
    city.now = NOW + timedelta(hours=1)
    status, answer = city.ask(make_request(invitation, GATEWAY))
    assert (status, json.loads(answer)["code"]) == (403, "invitation-over")


def test_guessing_ends(city: City) -> None:
    """Wrong proofs count against the invitation, and against the address that sends them."""
    invitation = invitation_of(parse_code(city.invite()))
    wrong = json.loads(make_request(invitation_of(bytes(15)), GATEWAY)) | {
        "invitation": invitation.identifier
    }
    body = json.dumps(wrong).encode()
    for i in range(MAX_WRONG):
        assert city.ask(body, host=f"192.0.2.{i}")[0] == 403
    assert json.loads(city.ask(make_request(invitation, GATEWAY))[1])["code"] == "invitation-over"
    for _ in range(MAX_WRONG_OF_ADDRESS):
        last = city.ask(b"{}", host="198.51.100.1")[0]
    assert last == 400
    assert city.ask(b"{}", host="198.51.100.1")[0] == 429
    assert city.ask(b"{}", host="198.51.100.2")[0] == 400
    city.now += timedelta(minutes=11)
    assert city.ask(b"{}", host="198.51.100.1")[0] == 400


def test_requests_are_bounded_and_of_one_kind(city: City) -> None:
    assert city.ask(b" " * 4_096)[0] == 413
    assert city.ask(b"", method="GET")[0] == 405
    for body in (b"", b"[]", b'{"schema":"veracity.join/v1"}', b"\xff", b'{"a":' * 300):
        assert city.ask(body, host="203.0.113.9")[0] == 400


def test_the_code_is_kept_nowhere(city: City) -> None:
    """What the home keeps is of mode 0600, and does not hold the code."""
    code = city.invite()
    secret = parse_code(code)
    (path,) = (city.root / FOLDER).iterdir()
    assert path.stat().st_mode & 0o077 == 0
    for spelling in (code, code.replace("-", ""), secret.hex()):
        assert spelling.encode() not in path.read_bytes()


def test_only_what_could_be_enrolled_is_invited(city: City) -> None:
    with pytest.raises(UnknownAgency):
        city.invite("nobody/edge-1")
    with pytest.raises(UnknownFeed):
        city.invite(feeds=["snow"])
    city.ask(make_request(invitation_of(parse_code(city.invite())), GATEWAY))
    with pytest.raises(AgencyExists):
        city.invite()


def test_old_invitations_go(city: City) -> None:
    city.invite()
    city.now = NOW + timedelta(days=2)
    city.invite()
    assert len(list((city.root / FOLDER).iterdir())) == 1


def test_a_damaged_invitation_stops_no_other(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as open, those that are over do not, and others can be invited."""
    monkeypatch.setattr("veracity.home.invitations.MAX_INVITATIONS", 2)
    city.invite()
    (city.root / FOLDER / "0.json").write_text("{")
    with pytest.raises(BadName):
        city.invite(f"{AGENCY}/edge-2")
    city.now += timedelta(days=2)
    assert city.invite(f"{AGENCY}/edge-2")


def test_codes_are_read_as_people_type_them() -> None:
    assert parse_code(" oool-40r4-0m3o-e2o9-i85g-r38e\n") == parse_code("0001-40R4-0M30-E209-185G-R38E")
    for text in ("", "0001", "0001-40R4-0M30-E209-185G-R38U", "é" * 24, "0" * 100_000):
        with pytest.raises(MalformedCode):
            parse_code(text)
    assert len({format_code(bytes([i]) * 15) for i in range(256)}) == 256
