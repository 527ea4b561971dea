"""A group whose commands are imported when they are called, so that each costs what it needs alone.

The help of the group lists them without importing any: the table has a line for each, and a test
compares it with what the command says of itself.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """Commands by name, each as ("module:attribute", its short help), in the order of the work."""

    def __init__(self, *args: Any, commands_in: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands_in = commands_in

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature of click
        """Return the names in the order of the work."""
        return list(self.commands_in)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as above
        """Import one command."""
        if cmd_name not in self.commands_in:
            return None
        module, _, attribute = self.commands_in[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the list of the commands from the table, cut to the width as click would cut it."""
        limit = formatter.width - 6 - max(map(len, self.commands_in))
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, click.Command(name, help=says).get_short_help_str(limit))
                    for name, (_, says) in self.commands_in.items()
                ]
            )
