"""A real time-stamping authority: ``openssl ts`` with certificates made for the test and thrown away."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_CONFIGURATION = """\
[tsa]
default_tsa = test
[test]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Authority:
    """Answers queries; ``roots`` is what to believe it by."""

    folder: Path

    @property
    def roots(self) -> Path:
        """The certificate of its root, PEM."""
        return self.folder / "ca.pem"

    def answer(self, query: Path) -> Path:
        """Stamp a query and return where the answer is."""
        answer = query.with_suffix(".tsr")
        _openssl("ts", "-reply", "-config", self.folder / "ts.cnf", "-queryfile", query, "-out", answer)
        return answer

    def another_root(self) -> Path:
        """The root of an authority of the same name that is another."""
        path = self.folder / "another.pem"
        _root(self.folder / "another.key", path)
        return path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority with a root and a certificate of its own."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    folder = tmp_path_factory.mktemp("tsa")
    _root(folder / "ca.key", folder / "ca.pem")
    subject = ("-subj", "/CN=Test TSA")
    _openssl("req", *_NEW_KEY, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr", *subject)
    (folder / "ext").write_text(
        "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n"
    )
    by = ("-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-CAcreateserial", "-days", "30")
    made = ("-in", folder / "tsa.csr", "-out", folder / "tsa.pem", "-extfile", folder / "ext")
    _openssl("x509", "-req", *made, *by)
    (folder / "serial").write_text("01\n")
    (folder / "ts.cnf").write_text(_CONFIGURATION.format(folder=folder))
    return Authority(folder)


def _root(key: Path, certificate: Path) -> None:
    subject = ("-subj", "/CN=Test CA", "-days", "30")
    _openssl("req", "-x509", *_NEW_KEY, "-keyout", key, "-out", certificate, *subject)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)
