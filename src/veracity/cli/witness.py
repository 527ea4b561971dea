"""``veracity witness``: cosign the checkpoints of logs, as an institution that does not run them."""

import re
from pathlib import Path

import click

from veracity.cli.output import columns, common, emit, note
from veracity.home.clock import system_clock
from veracity.log.errors import ForkFound, MalformedPolicy
from veracity.log.policy import Policy, parse_policy
from veracity.log.witness import Witness
from veracity.log.witness_keys import WitnessVerifier
from veracity.server.errors import WitnessUnusable
from veracity.server.running import address, listen, run
from veracity.server.witness_app import WitnessApp
from veracity.server.witness_directory import WitnessDirectory, latest_of, prepare
from veracity.stores.witness_state import SqlWitnessState

_MAX_POLICY_BYTES = 262_145
_URL = re.compile(r"https?://[!-~]{1,2000}")


@click.group()
def witness() -> None:
    """Watch logs for others: cosign a checkpoint only if it extends the last one."""


@witness.command()
@click.argument("policy", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="Who you are, such as uni.example/witness.")
@click.option(
    "--dir", "root", type=click.Path(path_type=Path), required=True, help="Where key and state live."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=7890, show_default=True, help="0: a free one."
)
@click.option("--url", help="Where logs reach you, if not at that address.")
@click.option(
    "--ml-dsa", is_flag=True, help="An ML-DSA-44 key instead of Ed25519, against quantum computers."
)
@click.option("--start-over", is_flag=True, help="Retire key and state and make new ones: after a loss.")
@click.option("--moved", is_flag=True, help="DIR was moved as a whole, and runs nowhere else.")
@common
def serve(
    policy: Path,
    name: str,
    root: Path,
    host: str,
    port: int,
    url: str | None,
    ml_dsa: bool,
    start_over: bool,
    moved: bool,
    as_json: bool,
) -> None:
    """Cosign the logs that POLICY names, until stopped.

    POLICY is the city's trust.policy; of it, only the log lines count. The first run makes the key.
    Prints the line that the city adds to its policy.
    """
    if url is not None and not _URL.fullmatch(url):
        raise click.UsageError(f"--url: want http:// or https:// and no spaces, got {url[:80]!r}")
    logs = read_policy(policy).logs
    if not logs:
        raise MalformedPolicy(f"policy {policy}: want a log to watch, got none")
    listening = listen(host, port)
    directory, cosigner, is_new = prepare(root, name, ml_dsa=ml_dsa, start_over=start_over, moved=moved)
    with directory.open_database() as database:
        clock = system_clock()
        app = WitnessApp(
            Witness(logs, [cosigner], SqlWitnessState(database)),
            lambda: int(clock().timestamp()),
            lambda fork: report_fork(directory, fork),
        )
        where = url or address(listening)
        line = _policy_line(cosigner.verifier, where)
        origins = sorted({log.name for log in logs})
        document = {
            "name": name,
            "key": cosigner.verifier.format(),
            "url": where,
            "policy_line": line,
            "new": is_new,
            "items": origins,
        }
        emit("witness", document, line, as_json)
        note(f"witness {name}: listening at {address(listening)}, for {', '.join(origins)}")
        run(app, listening)
    note(f"witness {name}: stopped")


@witness.command()
@click.option(
    "--dir", "root", type=click.Path(path_type=Path), required=True, help="Where key and state live."
)
@click.option("--url", default="", help="Where logs reach you, for the line of the policy.")
@common
def show(root: Path, url: str, as_json: bool) -> int:
    """Show the key and what was cosigned last. Exit 1 if a log was caught with two trees of one size."""
    directory = WitnessDirectory(root)
    verifier = directory.read_key().verifier
    with directory.open_database(read_only=True) as database:
        latest = SqlWitnessState(database).all_latest()
    n_forks = directory.n_forks()
    items = []
    for origin, text in latest.items():
        size, root_hash = latest_of(text)
        items.append({"origin": origin, "size": size, "root": root_hash})
    line = _policy_line(verifier, url)
    parts = [line, columns(((i["origin"], i["size"], i["root"]) for i in items), ("log", "entries", "root"))]
    if n_forks:
        parts.append(f"FORKS    {n_forks}, with both signed notes in {directory.forks}")
    document = {
        "name": verifier.name,
        "key": verifier.format(),
        "policy_line": line,
        "forks": n_forks,
        "items": items,
    }
    emit("witness-state", document, "\n\n".join(part for part in parts if part), as_json)
    return int(n_forks > 0)


def _policy_line(verifier: WitnessVerifier, url: str) -> str:
    return f"witness {verifier.name} {verifier.format()} {url}".rstrip()


def read_policy(path: Path) -> Policy:
    """Read a policy from a file."""
    try:
        with path.open("rb") as file:
            return parse_policy(file.read(_MAX_POLICY_BYTES))
    except OSError as exc:
        raise WitnessUnusable(f"policy: want to read {path}, got {exc.strerror}") from exc


def report_fork(directory: WitnessDirectory, fork: ForkFound) -> None:
    """Keep the proof of a fork and say so, once a fork."""
    kept = directory.keep_fork(fork)
    if kept is not None:
        note(f"FORK  {fork}; both notes are kept beside {kept}")
