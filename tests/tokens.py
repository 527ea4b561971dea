"""A token in software (SoftHSM2), for tests of keys on a token; skips where it is not installed."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
PIN = "2468"


@dataclass(frozen=True)
class Token:
    """An initialised token, and the file with its PIN."""

    module: str
    label: str
    pin_file: Path

    def uri(self, name: str) -> str:
        """The reference to a key on it."""
        opened_by = f"module-path={self.module}&pin-source=file:{self.pin_file}"
        return f"pkcs11:token={self.label};object={name}?{opened_by}"


@pytest.fixture(scope="session")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """SoftHSM's own directory: the module reads its configuration once in a process."""
    pytest.importorskip("pkcs11", reason="needs python-pkcs11 (veracity[hsm])")
    module = next((m for m in MODULES if Path(m).is_file()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("needs SoftHSM2 (Debian package softhsm2)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n", "utf-8")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    for label in ("city", "other"):
        _initialise(label)
    yield folder
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def _initialise(label: str) -> None:
    command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", PIN, "--pin", PIN]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


@pytest.fixture
def token(softhsm: Path, tmp_path: Path) -> Token:
    """The token named city. Keys stay on it while the tests run: each test names its own."""
    pin_file = tmp_path / "pin"
    pin_file.touch(0o600)
    pin_file.write_text(f"{PIN}\n", "utf-8")
    module = next(m for m in MODULES if Path(m).is_file())
    return Token(module, "city", pin_file)
