"""An insider forges a key or uses a revoked one: a real command says so.

The insider can write every file, holds the log's key where that is said, and knows Veracity. What each
command prints here is what ``docs/attacks.md`` says it does.
"""

from dataclasses import replace
from pathlib import Path

from attacked_city import AUDITOR, appended, city, receipt_of, rewrite_log, sealed, stated
from run_cli import Here
from small_city import AGENCY, ORIGIN, clock, key, key_file, ndjson
from threats import Attack, attack
from veracity.home.enrolments import revoke_key
from veracity.home.home import open_writer
from veracity.log.notes import Signer
from veracity.log.policy import format_policy, policy_for
from veracity.provenance.dsse import sign_envelope
from veracity.provenance.statements import format_statement

__all__ = ["city", "sealed"]


@attack(
    "forged or revoked key",
    act="with the log's key but not the operator's, appends a statement of his own",
    notices="a monitor, from the log alone",
    command="veracity monitor",
    sees="wrong-signer  log entry 9",
)
def test_a_statement_by_no_operator(this: Attack, city: Path, here: Here) -> None:
    """Who may say what is in the log; a signature by another does not count."""
    forged = format_statement(replace(stated(city), batch=5).to_statement())
    appended(city, sign_envelope(forged, [key(AGENCY)]))
    policy = city / "trust.policy"
    this.notice(here, "monitor", city / "store" / "log", "--policy", policy, "--once")


@attack(
    "forged or revoked key",
    act="the same, and waits for an auditor",
    notices=AUDITOR,
    command="veracity audit",
    sees="rain batch 5: statement: signer: want operator, got agency rain-office",
)
def test_a_statement_by_no_operator_audited(this: Attack, city: Path, here: Here) -> None:
    """An audit checks every signature against the enrolments before it."""
    forged = format_statement(replace(stated(city), batch=5).to_statement())
    appended(city, sign_envelope(forged, [key(AGENCY)]))
    this.notice(here, "audit", "--home", city)


@attack(
    "forged or revoked key",
    act="signs a file with a stolen key that was revoked",
    notices="the city, as it is given the file; nothing of it is used",
    command="veracity ingest rain",
    sees="revoked",
)
def test_a_revoked_key(this: Attack, city: Path, here: Here) -> None:
    """A key that was revoked signs nothing any more; what it signed before stays valid."""
    kept = receipt_of(here, city)
    stolen = key_file(city.parent)
    file = ndjson(city.parent / "new.ndjson", 900, 40)
    assert here("sign", "rain", file, "--key", stolen, "--home", city).code == 0
    with open_writer(city, clock) as home:
        revoke_key(home, AGENCY, "stolen")
    this.notice(here, "ingest", "rain", file, "--home", city)
    assert here("verify", kept, "--policy", city / "trust.policy").code == 0


@attack(
    "forged or revoked key",
    act="signs the whole log anew with a key of his own, and puts that key into the city's policy file",
    notices="whoever verifies with the policy of before; a receipt of before does not hold under the new one",
    command="veracity verify",
    sees="want a signature of",
)
def test_a_tampered_policy(this: Attack, city: Path, here: Here) -> None:
    """A policy says whom to believe, so it is taken from its owner, not from the one who is checked."""
    kept = receipt_of(here, city)
    other = Signer(ORIGIN, key("somebody").seed)
    rewrite_log(city, other)
    (city / "trust.policy").write_text(format_policy(policy_for(other.verifier)))
    this.notice(here, "verify", kept, "--policy", city / "trust.policy")
