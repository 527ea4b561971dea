"""``veracity model``: models from training to service, and directories signed."""

import click

from veracity.cli.lazy import LazyGroup

# command -> (module:attribute, what it does)
COMMANDS = {
    "train": (
        "veracity.cli.model_train:train",
        "Train a model of APP, or of one estimator, on sealed snapshots, and say so in the log.",
    ),
    "ls": (
        "veracity.cli.model_registry:list_models",
        "List every model that was trained, in log order, and which of them serves where.",
    ),
    "show": (
        "veracity.cli.model_registry:show",
        "Show where MODEL, a name or a digest, comes from, and how it did on what it did not learn from.",
    ),
    "verify": (
        "veracity.cli.model_verify:verify",
        "Check a model's files and signature, or that a directory is the one that was signed.",
    ),
    "compare": (
        "veracity.cli.model_compare:compare",
        "Say what differs between two models, and how far apart their forecasts are on the same rows.",
    ),
    "reproduce": (
        "veracity.cli.model_compare:reproduce",
        "Train MODEL again from the snapshots that the log names, and compare digests.",
    ),
    "assure": (
        "veracity.cli.model_assure:assure",
        "Put MODEL, a name or a digest, through the battery of tests, and say in the log how it fared.",
    ),
    "export": (
        "veracity.cli.model_registry:export",
        "Write MODEL's files, their signature and the key that verifies it into a new directory.",
    ),
    "card": (
        "veracity.cli.model_card:card",
        "Compute the card of MODEL, a name or a digest; none of it is typed.",
    ),
    "dossier": (
        "veracity.cli.model_dossier:dossier",
        "Answer what a law or a standard asks of MODEL and its system, and count what evidence answers.",
    ),
    "ask": (
        "veracity.cli.model_release:ask",
        "Write what an officer is to approve: a release of SYSTEM, a stop, or a roll-back.",
    ),
    "release": ("veracity.cli.model_release:release", "Bring a model to serve, as asked and approved."),
    "stop": (
        "veracity.cli.model_release:stop",
        "Stop what serves SYSTEM: as an officer approved, or by a rule.",
    ),
    "roll-back": (
        "veracity.cli.model_release:roll_back",
        "Go back to the model that served SYSTEM before, as an officer approved.",
    ),
    "stages": (
        "veracity.cli.model_stages:stages",
        "Show what serves each system, or every change of what served SYSTEM.",
    ),
    "keygen": ("veracity.cli.model_directory:keygen", "Make a publishing key (ECDSA, P-256)."),
    "sign": (
        "veracity.cli.model_directory:sign",
        "Sign every file of a directory; `model_signing verify key` reads the signature.",
    ),
}


@click.group(cls=LazyGroup, commands_in=COMMANDS)
def model() -> None:
    """Train models on sealed data, release them with an officer's approval, and sign directories."""
