"""A witness over HTTP, run by its own command: each status of tlog-witness, limits, and its end."""

import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3
from log_fakes import SIGNER, new_log, numbered
from witness_fakes import FORKED, LEAVES, ORIGIN, checkpoint, request, signed

from run_cli import run
from served import Served, ask, serving
from small_city import EPOCH
from veracity.log.add_checkpoint import MAX_REQUEST_BYTES, AddCheckpoint
from veracity.log.cosignatures import cosignature_time
from veracity.log.errors import QuorumNotMet
from veracity.log.merkle import root_from_leaf_hashes
from veracity.log.notes import Signer, open_note, parse_note, parse_signature, sign_note
from veracity.log.policy import parse_policy
from veracity.log.sign_subtree import SignSubtree
from veracity.log.subtree_cosignatures import Subtree, SubtreeVerifier
from veracity.log.subtree_proofs import subtree_path
from veracity.log.witness_keys import WitnessVerifier, parse_witness_vkey
from veracity.log.witnessing import Status, WitnessedPublisher
from veracity.stores.witness_client import HttpWitnesses

NAME = "uni.example/witness"
DIGEST = sha256(ORIGIN.encode()).hexdigest()


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "trust.policy"
    path.write_text(f"log {SIGNER.verifier.format()}\nquorum none\n")
    return path


def witness(policy: Path, *more: str, name: str = NAME, folder: str = "w") -> AbstractContextManager[Served]:
    return serving("witness", "serve", policy, "--name", name, "--dir", policy.with_name(folder), *more)


@pytest.fixture(params=["", "--ml-dsa"])
def served(request: pytest.FixtureRequest, policy: Path) -> Iterator[Served]:
    with witness(policy, *filter(None, [request.param])) as running:
        yield running


def post(
    served: Served, asked: AddCheckpoint | bytes, path: str = "add-checkpoint"
) -> urllib3.BaseHTTPResponse:
    body = asked.format() if isinstance(asked, AddCheckpoint) else asked
    return ask("POST", f"{served.url}/{path}", body=body)


def verifier(served: Served) -> WitnessVerifier:
    return parse_witness_vkey(served.said["key"])


def test_every_status_of_the_specification(served: Served) -> None:
    """200, 404, 403, 400, 409 and 422 come where tlog-witness says, with its content types and bodies."""
    good = post(served, request(0, 5))
    assert (good.status, good.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    signature = parse_signature(good.data.decode().removesuffix("\n"))
    verifier(served).verify(checkpoint(5).format(), signature.payload)
    assert cosignature_time(signature.payload) == int(EPOCH)

    stale = post(served, request(3, 9))
    assert (stale.status, stale.headers["Content-Type"], stale.data) == (409, "text/x.tlog.size", b"5\n")
    other = Signer("other.example/log", bytes(32))
    empty = sign_note(f"{ORIGIN}\n0\n{'A' * 43}=\n", [SIGNER])
    for asked, status, code in (
        (AddCheckpoint(0, (), signed(5, signer=other)), 404, "unknown-origin"),
        (AddCheckpoint(5, (), signed(9, signer=Signer(ORIGIN, bytes(32)))), 403, "signature-rejected"),
        (AddCheckpoint(5, (), signed(4)), 400, "malformed-request"),
        (AddCheckpoint(5, (), checkpoint(9).format().encode()), 400, "malformed-note"),
        (AddCheckpoint(5, (), sign_note(f"{ORIGIN}\n5\n", [SIGNER])), 400, "malformed-checkpoint"),
        (b"new 5\n\nx", 400, "malformed-request"),
        (b"", 400, "malformed-request"),
        (request(5, 9, FORKED), 422, "consistency-rejected"),
        (request(5, 5, FORKED), 422, "fork-found"),
    ):
        answer = post(served, asked)
        assert (answer.status, answer.json()["code"], answer.json()["status"]) == (status, code, status)
        assert answer.headers["Content-Type"] == "application/problem+json"
    assert post(served, AddCheckpoint(0, (), empty)).data == b"5\n"
    assert post(served, request(5, 9)).status == 200
    assert post(served, request(9, 9)).status == 200


def test_an_empty_tree_with_another_root(served: Served) -> None:
    """A new log whose empty tree has a wrong root gets 422; with the right one, a cosignature."""
    empty = sign_note(f"{ORIGIN}\n0\n{'A' * 43}=\n", [SIGNER])
    assert post(served, AddCheckpoint(0, (), empty)).status == 422
    assert post(served, request(0, 0)).status == 200
    assert post(served, AddCheckpoint(0, (bytes(32),), signed(5))).status == 422


def test_monitors_read_the_latest(served: Served) -> None:
    """The monitoring path gives the note cosigned last, with both signatures, to any page; else 404."""
    url = f"{served.url}/{DIGEST}/checkpoint"
    assert ask("GET", url).status == 404
    post(served, request(0, 5))
    post(served, request(5, 9))
    answer = ask("GET", url)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    opened = open_note(answer.data, [SIGNER.verifier, verifier(served)])
    assert (opened.text, len(opened.verified)) == (checkpoint(9).format(), 2)
    assert ask("GET", url, headers={"If-None-Match": answer.headers["ETag"]}).status == 304
    assert ask("HEAD", url).data == b""
    for path in (f"{DIGEST.upper()}/checkpoint", f"{'0' * 64}/checkpoint", DIGEST, "checkpoint", "", "x"):
        assert ask("GET", f"{served.url}/{path}").status == 404
    assert ask("POST", url, body=b"x").status == 405


def test_other_methods_and_paths(served: Served) -> None:
    """Only POST submits, and only under the one spelling of the path."""
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        answer = ask(method, f"{served.url}/add-checkpoint")
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    for path in ("add-checkpoint/", "Add-Checkpoint", "add%2Dcheckpoint", "x/add-checkpoint"):
        assert post(served, request(0, 5), path).status == 404


def test_subtrees_are_signed_by_ml_dsa_only(served: Served) -> None:
    """A witness with an ML-DSA-44 key signs parts of the tree; another does not know the path."""
    post(served, request(0, 14))
    part = root_from_leaf_hashes(LEAVES[8:13])
    asked = SignSubtree(8, 13, part, tuple(subtree_path(LEAVES[:14], 8, 13)), checkpoint(14).format())
    answer = post(served, asked.format(), "sign-subtree")
    key = verifier(served)
    if not isinstance(key, SubtreeVerifier):
        assert answer.status == 404
        return
    assert answer.status == 200
    signature = parse_signature(answer.data.decode().removesuffix("\n"))
    key.verify_subtree(Subtree(ORIGIN, 8, 13, part), signature.payload)
    for changed, status in (
        (asked.format().replace(b"subtree 8 13", b"subtree 9 13"), 400),
        (asked.format().replace(b"subtree 8 13", b"subtree 8 12"), 422),
        (asked.format().replace(ORIGIN.encode(), b"other.example/log"), 404),
        (SignSubtree(8, 13, part, (), checkpoint(13).format()).format(), 403),
    ):
        assert post(served, changed, "sign-subtree").status == status


def test_a_fork_is_kept_and_shown(served: Served, policy: Path) -> None:
    """Two trees of one size: both notes are kept, said once on stderr, and `witness show` exits 1."""
    post(served, request(0, 5))
    assert run("witness", "show", "--dir", policy.with_name("w")).code == 0
    for _ in range(2):
        assert post(served, request(5, 5, FORKED)).status == 422
    forks = sorted((policy.with_name("w") / "forks").iterdir())
    assert [path.suffix for path in forks] == [".ours", ".theirs"]
    assert {parse_note(path.read_bytes()).text for path in forks} == {
        checkpoint(5).format(),
        checkpoint(5, FORKED).format(),
    }
    shown = run("witness", "show", "--dir", policy.with_name("w"), "--json")
    assert (shown.code, json.loads(shown.out)["forks"]) == (1, 1)
    _, err = served.stop()
    assert err.count("FORK  ") == 1


def test_bodies_are_bounded(served: Served) -> None:
    """A body over 64 KiB is refused, whether it says its length or not; the witness works on."""
    large = bytes(MAX_REQUEST_BYTES + 1)
    answer = ask("POST", f"{served.url}/add-checkpoint", body=large)
    assert (answer.status, answer.json()["code"]) == (413, "request-too-large")
    target = urlsplit(served.url)
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\n"
    for request_bytes in (
        head + b"Transfer-Encoding: chunked\r\n\r\n" + (b"4000\r\n" + bytes(0x4000) + b"\r\n") * 5,
        head + b"Content-Length: 99999999999999999999\r\n\r\n",
    ):
        with socket.create_connection((target.hostname, target.port)) as raw:
            raw.sendall(request_bytes)
            assert raw.recv(12) in (b"HTTP/1.1 413", b"HTTP/1.1 400")
    assert post(served, request(0, 5)).status == 200


def test_requests_at_once_are_answered(served: Served) -> None:
    """Thirty logs' worth of requests at once: of those from one size one wins, the rest are told."""
    post(served, request(0, 5))
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(post(served, request(5, 6 + n)).status))
        for n in range(30)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * 29


def test_a_second_run_is_the_same_witness(policy: Path) -> None:
    """The first run makes the key; later runs have it, and go on from what was cosigned."""
    with witness(policy) as first:
        assert first.said["new"]
        assert first.said["policy_line"] == f"witness {NAME} {first.said['key']} {first.url}"
        post(first, request(0, 5))
        assert first.stop(signal.SIGINT)[0] == 0
    key = policy.with_name("w") / "witness.key"
    assert key.stat().st_mode & 0o777 == 0o600
    with witness(policy) as second:
        assert (second.said["key"], second.said["new"]) == (first.said["key"], False)
        assert post(second, request(0, 5)).data == b"5\n"
    with witness(policy) as third:  # the second was killed
        assert post(third, request(5, 9)).status == 200
    shown = run("witness", "show", "--dir", policy.with_name("w"), "--json")
    (item,) = json.loads(shown.out)["items"]
    assert item == {"origin": ORIGIN, "size": 9, "root": checkpoint(9).root.hex()}


def test_two_processes_may_serve_one_witness(policy: Path) -> None:
    """Two servers on one directory share its state: what one cosigned, the other knows."""
    with witness(policy) as first, witness(policy) as second:
        assert first.said["key"] == second.said["key"]
        assert post(first, request(0, 5)).status == 200
        assert post(second, request(0, 9)).data == b"5\n"
        assert post(second, request(5, 9)).status == 200
        assert post(first, request(5, 12)).data == b"9\n"


def test_a_log_and_three_witnesses(policy: Path) -> None:
    """A log gets its quorum over HTTP from what runs, says who is down, and fails without the quorum."""
    log = new_log(300)
    with (
        witness(policy, name="w1", folder="1") as one,
        witness(policy, "--ml-dsa", name="w2", folder="2") as two,
        witness(policy, name="w3", folder="3") as three,
    ):
        lines = [s.said["policy_line"] for s in (one, two, three)]
        text = "".join(f"{line}\n" for line in [f"log {SIGNER.verifier.format()}", *lines])
        trust = parse_policy(text + "group g 2 w1 w2 w3\nquorum g\n")
        asks = WitnessedPublisher(trust, HttpWitnesses(), 60.0, grace_s=60.0)
        done = asks.publish(log.checkpoint_note, log.reader)
        assert trust.check(done.note).witnesses == ("w1", "w2", "w3")
        three.stop()
        log.append(numbered(300, 700))
        done = asks.publish(log.checkpoint_note, log.reader)
        assert trust.check(done.note).witnesses == ("w1", "w2")
        assert done.outcomes[2].status == Status.UNREACHABLE
        two.stop()
        with pytest.raises(QuorumNotMet):
            asks.publish(log.checkpoint_note, log.reader)


def test_what_was_answered_outlives_a_kill(policy: Path) -> None:
    """Killed in the middle of its work, a witness has kept all that it cosigned."""
    given: list[int] = []

    def grow(running: Served, start: int) -> None:
        with suppress(urllib3.exceptions.HTTPError):
            for size in range(start, 100):
                assert post(running, request(size - 1, size)).status == 200
                given.append(size)

    for _ in range(2):
        with witness(policy) as running:
            growing = threading.Thread(target=grow, args=(running, len(given) + 1))
            growing.start()
            enough = len(given) + 9
            while len(given) < enough and growing.is_alive():
                threading.Event().wait(0.01)
            running.process.kill()
            growing.join()
        shown = run("witness", "show", "--dir", policy.with_name("w"), "--json")
        (item,) = json.loads(shown.out)["items"]
        assert item["size"] - len(given) in (0, 1)  # the last one may be kept and not answered
        given[:] = range(1, item["size"] + 1)


def test_an_answer_under_way_is_finished(policy: Path) -> None:
    """Told to stop in the middle of a request, the witness still answers it, then ends with exit code 0."""
    body = request(0, 5).format()
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with witness(policy) as running:
        target = urlsplit(running.url)
        with socket.create_connection((target.hostname, target.port), timeout=60) as slow:
            slow.sendall(head + body[:10])
            assert ask("GET", f"{running.url}/x").status == 404  # our request is under way by now
            running.process.send_signal(signal.SIGTERM)
            while True:  # until it listens no more
                try:
                    socket.create_connection((target.hostname, target.port), timeout=60).close()
                except ConnectionError:
                    break
            slow.sendall(body[10:])
            assert slow.makefile("rb").read().startswith(b"HTTP/1.1 200")
        assert running.process.wait(60) == 0
