"""The ``veracity`` command: its tree, and the one table from kinds of error to exit codes."""

import logging
import sys
import traceback
from importlib import import_module

import click

import veracity
from veracity.cli.exit_codes import BUG, INTERRUPTED, USAGE, exit_code
from veracity.cli.output import emit_error
from veracity.errors import VeracityError

# command -> (module, attribute): loaded when called, so that --help and verify start quickly
_COMMANDS = {
    "init": ("veracity.cli.init", "init"),
    "demo": ("veracity.cli.demo", "demo"),
    "agency": ("veracity.cli.agency", "agency"),
    "device": ("veracity.cli.device", "device"),
    "officer": ("veracity.cli.officer", "officer"),
    "account": ("veracity.cli.account", "account"),
    "key": ("veracity.cli.key", "key"),
    "up": ("veracity.cli.up", "up"),
    "serve": ("veracity.cli.serve", "serve"),
    "ground": ("veracity.cli.ground", "ground"),
    "feed": ("veracity.cli.feed", "feed"),
    "source": ("veracity.cli.source", "source"),
    "sign": ("veracity.cli.ingest", "sign"),
    "ingest": ("veracity.cli.ingest", "ingest"),
    "quarantine": ("veracity.cli.quarantine", "quarantine"),
    "personal": ("veracity.cli.personal", "personal"),
    "table": ("veracity.cli.table", "table"),
    "panel": ("veracity.cli.panel", "panel"),
    "calibration": ("veracity.cli.calibration", "calibration"),
    "receipt": ("veracity.cli.receipt", "receipt"),
    "verify": ("veracity.cli.receipt", "verify"),
    "timestamp": ("veracity.cli.timestamp", "timestamp"),
    "audit": ("veracity.cli.audit", "audit"),
    "monitor": ("veracity.cli.monitor", "monitor"),
    "lineage": ("veracity.cli.log", "lineage"),
    "log": ("veracity.cli.log", "log"),
    "cose": ("veracity.cli.cose", "cose"),
    "model": ("veracity.cli.model", "model"),
    "app": ("veracity.cli.app", "app"),
    "scoreboard": ("veracity.cli.scoreboard", "scoreboard"),
    "incident": ("veracity.cli.incident", "incident"),
    "register": ("veracity.cli.register", "register"),
    "witness": ("veracity.cli.witness", "witness"),
    "gateway": ("veracity.cli.gateway", "gateway"),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature of click
        """Return the names in the order of the work."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
