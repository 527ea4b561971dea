"""A log of ours and a witness that others wrote: ``aics-witness`` (PyPI), where it is installed."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from log_fakes import SIGNER, new_log, numbered

from served import STOP_S
from veracity.log.errors import QuorumNotMet
from veracity.log.policy import parse_policy
from veracity.log.witnessing import Status, WitnessedPublisher
from veracity.stores.witness_client import HttpWitnesses

MADE = Path(__file__).parents[2] / "build" / "interop" / "bin" / "aics-witness"
OTHER = str(MADE) if MADE.exists() else shutil.which("aics-witness")


@pytest.mark.skipif(
    OTHER is None, reason="want aics-witness, which needs Python >= 3.12 (`make interop`), got none"
)
def test_a_witness_that_others_wrote_cosigns_our_log(tmp_path: Path) -> None:
    """It takes our proofs, we take its cosignatures, and it tells us when ours is the older log."""
    assert OTHER is not None
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def other(*arguments: str) -> str:
        done = subprocess.run([OTHER, *arguments], cwd=tmp_path, capture_output=True, text=True, env={})
        assert done.returncode == 0, done.stderr
        return done.stdout

    said = other("init", "--name", "aics.example/w1", "--listen", f"127.0.0.1:{port}")
    vkey = next(word for word in said.split() if word.startswith("aics.example/w1+"))
    other("add-log", "--origin", SIGNER.name, "--vkey", SIGNER.verifier.format())
    policy = parse_policy(
        f"log {SIGNER.verifier.format()}\nwitness w {vkey} http://127.0.0.1:{port}\nquorum w\n"
    )
    process = subprocess.Popen([OTHER, "serve"], cwd=tmp_path, stderr=subprocess.PIPE, text=True, env={})
    try:
        assert process.stderr is not None
        while "listening on" not in process.stderr.readline():
            assert process.poll() is None
        log = new_log(0)
        asks = WitnessedPublisher(policy, HttpWitnesses(), 60.0)
        for size in (0, 1, 300, 700):
            log.append(numbered(log.size, size))
            assert policy.check(asks.publish(log.checkpoint_note, log.reader).note).witnesses == ("w",)
        old, forgetful = new_log(20), WitnessedPublisher(policy, HttpWitnesses(), 60.0)
        with pytest.raises(QuorumNotMet) as caught:
            forgetful.publish(old.checkpoint_note, old.reader)
        assert caught.value.outcomes[0].size == 700
        assert caught.value.outcomes[0].status in (Status.AHEAD, Status.REFUSED)
    finally:
        process.terminate()
        process.communicate(timeout=STOP_S)
