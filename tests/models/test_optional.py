"""What an extra brings is not needed by those who do without."""

import subprocess
import sys

import pytest

from veracity.models.optional import MissingLibrary, need

HEAVY = (
    "scipy",
    "lightgbm",
    "jax",
    "onnxruntime",
    "statsforecast",
    "mlforecast",
    "shap",
    "fairlearn",
    "typst",
)


def test_what_is_missing_is_named() -> None:
    """The error says which extra brings the library."""
    with pytest.raises(MissingLibrary, match=r"no_such_library: want it installed .*veracity\[models\]"):
        need("no_such_library", "models")
    need("numpy", "models")


def test_a_plain_install_loads_apps_and_commands() -> None:
    """With none of the extras there, every app, estimator and command still loads."""
    block = f"import sys; sys.modules.update(dict.fromkeys({HEAVY!r}))"
    load = (
        "from veracity import apps; [apps.find(n) for n in apps.names()];"
        "from click import Context; from veracity.cli.main import cli; context = Context(cli);"
        "assert all(cli.get_command(context, n) for n in cli.list_commands(context));"
        "import veracity.home.models.assurance, veracity.home.models.training, veracity.cli.app_pages"
    )
    done = subprocess.run([sys.executable, "-c", f"{block}; {load}"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
