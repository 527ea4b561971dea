"""Groups whose commands are loaded when called list them as if they were loaded."""

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from veracity.cli.lazy import LazyGroup
from veracity.cli.main import cli


def lazy_groups(group: click.Group, path: str = "veracity") -> Iterator[tuple[str, LazyGroup]]:
    """Every lazy group at or below ``group``, with the words that call it."""
    if isinstance(group, LazyGroup):
        yield path, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from lazy_groups(command, f"{path} {name}")


@pytest.mark.parametrize("group", [pytest.param(g, id=path) for path, g in lazy_groups(cli)])
def test_a_line_in_the_list_is_what_the_command_says(group: LazyGroup) -> None:
    """The table's line for a command is the first sentence of its own help, and the name is its own."""
    context = click.Context(group)
    loaded = {name: group.get_command(context, name) for name in group.list_commands(context)}
    assert all(loaded.values())
    own = {name: command.get_short_help_str(10_000) for name, command in loaded.items() if command}
    assert {name: says for name, (_, says) in group.commands_in.items()} == own
    assert {name: command.name for name, command in loaded.items() if command} == {n: n for n in loaded}


@pytest.mark.parametrize("width", [40, 80, 200])
def test_help_looks_as_that_of_any_group(width: int) -> None:
    """The list is laid out and cut as click does it with the commands themselves."""
    context = click.Context(cli, info_name="veracity", terminal_width=width, max_content_width=width)
    lazily, eagerly = context.make_formatter(), context.make_formatter()
    cli.format_commands(context, lazily)
    click.Group.format_commands(cli, context, eagerly)
    assert lazily.getvalue() == eagerly.getvalue()


def test_help_of_the_program_loads_no_command() -> None:
    """``veracity --help`` imports the commands' table, and none of the commands."""
    run = "from veracity.cli.main import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    script = f"{run}\nimport sys\nprint(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    ours = {m for m in done.stderr.split() if m.startswith("veracity.cli.")}
    assert "Commands:" in done.stdout
    assert ours == {
        "veracity.cli.exit_codes",
        "veracity.cli.lazy",
        "veracity.cli.main",
        "veracity.cli.output",
    }
