"""``veracity model``: models from training to service, and directories signed."""

import click

from veracity.cli.lazy import LazyGroup

# command -> (module, attribute): loaded when called
COMMANDS = {
    "train": ("veracity.cli.model_train", "train"),
    "ls": ("veracity.cli.model_registry", "list_models"),
    "show": ("veracity.cli.model_registry", "show"),
    "verify": ("veracity.cli.model_verify", "verify"),
    "compare": ("veracity.cli.model_compare", "compare"),
    "reproduce": ("veracity.cli.model_compare", "reproduce"),
    "assure": ("veracity.cli.model_assure", "assure"),
    "export": ("veracity.cli.model_registry", "export"),
    "card": ("veracity.cli.model_card", "card"),
    "dossier": ("veracity.cli.model_dossier", "dossier"),
    "ask": ("veracity.cli.model_release", "ask"),
    "release": ("veracity.cli.model_release", "release"),
    "stop": ("veracity.cli.model_release", "stop"),
    "roll-back": ("veracity.cli.model_release", "roll_back"),
    "stages": ("veracity.cli.model_stages", "stages"),
    "keygen": ("veracity.cli.model_directory", "keygen"),
    "sign": ("veracity.cli.model_directory", "sign"),
}


@click.group(cls=LazyGroup, commands_in=COMMANDS)
def model() -> None:
    """Train models on sealed data, release them with an officer's approval, and sign directories."""
