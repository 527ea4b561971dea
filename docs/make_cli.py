"""Write docs/cli.md from the command tree and the errors: ``python docs/make_cli.py``."""

import inspect
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

import veracity
from veracity.cli.exit_codes import BUG, EXIT_CODES, INTERRUPTED, USAGE
from veracity.cli.main import cli
from veracity.errors import Malformed, Rejected, Unavailable, VeracityError

PAGE = Path(__file__).with_name("cli.md")

_MEANING: dict[type[Exception], str] = {
    Rejected: "done; the answer is no: a proof fails, a rule is broken, something differs",
    Malformed: "malformed input: it is not what it should be, and nothing of it was used",
    Unavailable: "something needed was out of reach: a file, a lock, a disk. Trying again may help",
}

_HEAD = """\
# Command reference

This page is made from the code by `python docs/make_cli.py`; a test compares the two.

Results go to stdout, everything else to stderr. `--json` prints one object with a `schema`, errors
included. Progress appears only on a terminal. Commands about a city take its directory from `--home`
or from the environment variable `VERACITY_HOME`.

`SOURCE_DATE_EPOCH` (seconds since 1970) fixes the clock, so that two runs give the same statements. It
is for tests and demonstrations: the time of receipt is then not the time.
"""


def render() -> str:
    """Return the page."""
    parts = [_HEAD, _exit_codes(), "## Commands\n"]
    commands = list(_commands(cli, ("veracity",)))
    rows = [
        f"| [`{' '.join(path)}`](#{'-'.join(path)}) | {command.get_short_help_str(200)} |"
        for path, command in commands
    ]
    parts.append("\n".join(["| command | does |", "| --- | --- |", *rows]) + "\n")
    parts += [_command(path, command) for path, command in commands]
    parts.append(_errors())
    return "\n".join(parts)


def main() -> None:
    """Write the page."""
    PAGE.write_text(render(), encoding="utf-8")


def _exit_codes() -> str:
    rows: dict[int, str] = {
        0: "done; the answer is yes",
        USAGE: "wrong command line",
        BUG: "a bug in this package",
        INTERRUPTED: "stopped with Ctrl-C; what was reported is sealed",
    }
    rows |= {code: _MEANING[kind] for kind, code in EXIT_CODES}
    lines = [f"| {code} | {meaning} |" for code, meaning in sorted(rows.items())]
    return "\n".join(["## Exit codes\n", "| exit | meaning |", "| --- | --- |", *lines]) + "\n"


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group, info_name=path[-1])
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, "a listed command is there"
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _command(path: tuple[str, ...], command: click.Command) -> str:
    # The real help names: click keeps the option that it makes first.
    context = click.Context(command, info_name=" ".join(path), help_option_names=["-h", "--help"])
    usage = " ".join(
        [*path, *(piece for p in command.get_params(context) for piece in p.get_usage_pieces(context))]
    )
    text = inspect.cleandoc(command.help or "")
    options = [p for p in command.params if isinstance(p, click.Option)]
    lines = [f"### {' '.join(path)}\n", "```text", f"{usage} [OPTIONS]", "```\n", f"{text}\n"]
    lines += ["| option | meaning |", "| --- | --- |", *(_option(o, context) for o in options)]
    return "\n".join(lines) + "\n"


def _option(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    value = "" if option.is_flag else f" {option.make_metavar(context)}"
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    if option.show_default and option.default is not None:
        notes.append(f"{option.default} if absent.")
    if option.envvar:
        notes.append(f"Also from `{option.envvar}`.")
    meaning = " ".join(n for n in notes if n).replace("|", "\\|").replace("<", "&lt;")
    return f"| {names}{value} | {meaning} |"


def _errors() -> str:
    rows = [
        f"| `{error.code}` | {_exit(error)} | {(error.__doc__ or '').splitlines()[0].replace('``', '`')} |"
        for error in errors()
    ]
    head = "## Errors\n\nThe `code` of each error, as `--json` gives it. A message says what, wanted, got.\n"
    return "\n".join([head, "| code | exit | meaning |", "| --- | --- | --- |", *rows]) + "\n"


def errors() -> list[type[VeracityError]]:
    """Return every error that a command can end with, by code: the leaves of each kind."""
    for module in pkgutil.walk_packages(veracity.__path__, "veracity."):
        import_module(module.name)
    found: set[type[VeracityError]] = set()
    waiting: list[type[VeracityError]] = [VeracityError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if error.__module__.startswith("veracity.") and any(
            issubclass(error, kind) and error is not kind for kind, _ in EXIT_CODES
        ):
            found.add(error)
    return sorted(found, key=lambda error: error.code)


def _exit(error: type[VeracityError]) -> int:
    return next(code for kind, code in EXIT_CODES if issubclass(error, kind))


if __name__ == "__main__":
    main()
