"""The ``veracity`` command: its tree, and the one table from kinds of error to exit codes."""

import logging
import sys
import traceback

import click

import veracity
from veracity.cli.exit_codes import BUG, INTERRUPTED, USAGE, exit_code
from veracity.cli.lazy import LazyGroup
from veracity.cli.output import emit_error
from veracity.errors import VeracityError

# command -> (module:attribute, what it does)
_COMMANDS = {
    "init": (
        "veracity.cli.init:init",
        "Make a city's home: keys (mode 0600), stores, database, and trust.policy to hand out.",
    ),
    "demo": (
        "veracity.cli.demo:demo",
        "Play the built-in city (simulated): ingest, seal, learn, forecast, score, prove, tamper, notice.",
    ),
    "agency": ("veracity.cli.agency:agency", "Enrol agencies, rotate and revoke their keys."),
    "device": (
        "veracity.cli.device:device",
        "Enrol devices of agencies as AGENCY/DEVICE, rotate and revoke their keys.",
    ),
    "officer": (
        "veracity.cli.officer:officer",
        "Enrol the persons who may approve, and sign what is asked of one.",
    ),
    "account": ("veracity.cli.account:account", "Say who may do what over the network."),
    "key": (
        "veracity.cli.key:key",
        "Hold private keys under a passphrase, in a keyring, or on a token (HSM).",
    ),
    "up": (
        "veracity.cli.up:up",
        "Run the city: broker, workers, schedules, until Ctrl-C or SIGTERM; a second Ctrl-C ends it at once.",
    ),
    "serve": (
        "veracity.cli.serve:serve",
        "Serve the city until stopped: standard APIs, the log, receipts, and the portal at /.",
    ),
    "ground": (
        "veracity.cli.ground:ground",
        "The ground under the city's map, from the city's own GeoJSON: a backdrop, nothing that is sealed.",
    ),
    "feed": ("veracity.cli.feed:feed", "Add feeds, list them, check files against a contract."),
    "source": (
        "veracity.cli.source:source",
        "Sources of the city: services that it asks again and again, or listens to.",
    ),
    "sign": ("veracity.cli.ingest:sign", "Sign files as their sender, writing FILE.dsse.json beside each."),
    "ingest": (
        "veracity.cli.ingest:ingest",
        "Take files into a feed: csv(.gz), tsv, ndjson, jsonl, parquet of any size.",
    ),
    "quarantine": (
        "veracity.cli.quarantine:quarantine",
        "Rows set aside, and what people decide about them.",
    ),
    "personal": (
        "veracity.cli.personal:personal",
        "Find a person's data, show them to who holds the keys, erase them.",
    ),
    "table": ("veracity.cli.table:table", "Accepted rows."),
    "panel": ("veracity.cli.panel:panel", "Feeds on one event-time grid."),
    "calibration": (
        "veracity.cli.calibration:calibration",
        "Correct a sensor by a reference that stood beside it.",
    ),
    "receipt": (
        "veracity.cli.receipt:receipt",
        "Write a receipt for one record, or one decision: a file that anyone can check without this home.",
    ),
    "verify": ("veracity.cli.verify:verify", "Check a receipt."),
    "timestamp": (
        "veracity.cli.timestamp:timestamp",
        "RFC 3161 time stamps of a receipt's checkpoint: write the query, take in the answer.",
    ),
    "audit": (
        "veracity.cli.audit:audit",
        "Make again all that the log speaks of, from the evidence, and compare digests.",
    ),
    "monitor": (
        "veracity.cli.monitor:monitor",
        "Follow a log from outside: ``veracity monitor URL --policy FILE`` is ``monitor follow``.",
    ),
    "lineage": (
        "veracity.cli.log:lineage",
        "Show what a statement of the log rests on, and what rests on it.",
    ),
    "log": ("veracity.cli.log:log", "The transparency log."),
    "cose": (
        "veracity.cli.cose:cose",
        "COSE Receipts (RFC 9942) and SCITT statements of what the log holds.",
    ),
    "model": (
        "veracity.cli.model:model",
        "Train models on sealed data, release them with an officer's approval, and sign directories.",
    ),
    "app": ("veracity.cli.app:app", "Applications of the city: run, score, override."),
    "scoreboard": (
        "veracity.cli.scoreboard:scoreboard",
        "Scores of decisions, from the log; nobody can take a bad day off it.",
    ),
    "incident": (
        "veracity.cli.incident:incident",
        "Report what went wrong with a system, and follow it until it is closed.",
    ),
    "register": (
        "veracity.cli.register:register",
        "Show and export the public register of systems: purpose, skill, incidents, how to appeal.",
    ),
    "witness": (
        "veracity.cli.witness:witness",
        "Watch logs for others: cosign a checkpoint only if it extends the last one.",
    ),
    "gateway": (
        "veracity.cli.gateway:gateway",
        "Read devices at the edge, sign what they say, keep it until the city has it.",
    ),
}


@click.group(cls=LazyGroup, commands_in=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(veracity.__version__, message="%(version)s")
def cli() -> None:
    """Verifiable data for cities: from real files to a receipt that anyone can check offline."""


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit with the code of the table above."""
    arguments = sys.argv[1:] if arguments is None else arguments
    as_json = "--json" in arguments
    logging.basicConfig(format="veracity: %(message)s", level=logging.WARNING)
    sys.exit(_run(arguments, as_json))


def _run(arguments: list[str], as_json: bool) -> int:
    try:
        code = cli.main(arguments, prog_name="veracity", standalone_mode=False)
    except click.UsageError as exc:
        if not as_json:
            exc.show()
        return emit_error("usage", exc.format_message(), USAGE, as_json, shown=True)
    except (click.Abort, KeyboardInterrupt):
        return emit_error("interrupted", "stopped; what was reported is sealed", INTERRUPTED, as_json)
    except click.ClickException as exc:
        return emit_error("usage", exc.format_message(), USAGE, as_json)
    except VeracityError as exc:
        return emit_error(exc.code, str(exc), exit_code(exc), as_json)
    except SystemExit:
        return 0  # what click makes of a reader who went away in the middle of the help
    except Exception as exc:
        traceback.print_exc()
        return emit_error("bug", f"a bug in veracity: {type(exc).__name__}: {exc}", BUG, as_json)
    return int(code or 0)
