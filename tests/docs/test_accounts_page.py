"""The page about accounts: its commands run and say what it shows, and its settings can be read."""

import re
from pathlib import Path

from console import run_document

from veracity.home.accounts.sign_in_settings import parse_sign_in

PAGE = Path(__file__).parents[2] / "docs" / "accounts.md"


def test_commands_of_the_page(tmp_path: Path) -> None:
    """Every command of the page does what the page says."""
    assert run_document(PAGE, tmp_path) >= 9


def test_settings_of_the_page(tmp_path: Path) -> None:
    """The settings for signing in that the page shows are taken as they stand."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    secret = tmp_path / "secret"
    secret.write_text("x")
    settings = parse_sign_in(text.replace("/etc/veracity/sign-in.secret", str(secret)).encode())
    claims = {"groups": ["city-admins"], "organisation": "weather-office"}
    assert settings.roles_of(claims) == {"admin", "auditor"}
    assert settings.agency_of(claims) == "rain-office"
