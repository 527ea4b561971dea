"""Whether a directory holds exactly a model that the city's log released: asked offline.

The receipt of the ``release`` statement is verified against the trust policy, as anyone would: the log's
key, its witnesses, the operator's signature, the officer's approval. It names the model by the digest of
its files. What it cannot show is that a later entry stopped the model: a new receipt does.
"""

from hashlib import sha256
from pathlib import Path

from veracity.canonical import canonical_json
from veracity.errors import Malformed, Rejected
from veracity.gateway.errors import ModelNotReleased
from veracity.log.policy import MAX_POLICY_BYTES, parse_policy
from veracity.provenance.receipts import MAX_RECEIPT_BYTES, parse_receipt, verify_receipt
from veracity.provenance.statements import Release

MAX_FILES = 64
MAX_MODEL_BYTES = 134_217_728


def read_model(directory: Path, receipt: Path, policy: Path) -> tuple[str, dict[str, bytes]]:
    """Return the digest and the files of a released model.

    Raises
    ------
    ModelNotReleased
        If the receipt does not hold, is of no release, or of other files than these; or they cannot be read.
    """
    files = _read_files(directory)
    digest = model_digest(files)
    try:
        believed = parse_policy(_read(policy, MAX_POLICY_BYTES))
        verified = verify_receipt(parse_receipt(_read(receipt, MAX_RECEIPT_BYTES)), believed)
        release = Release.from_statement(verified.statement)
    except (Malformed, Rejected) as exc:
        raise ModelNotReleased(f"model {directory}: want a receipt of its release, got: {exc}") from exc
    if verified.revoked:
        raise ModelNotReleased(f"model {directory}: want keys in force, got {verified.revoked[0]}")
    if release.action == "stop" or release.model_sha256 != digest:
        raise ModelNotReleased(
            f"model {directory}: want files of the model released, {release.model_sha256[:16]},"
            f" got {digest[:16]}" + " and it was stopped" * (release.action == "stop")
        )
    return digest, files


def model_digest(files: dict[str, bytes]) -> str:
    """Return the digest that names a model: of the canonical JSON of its files' digests by name."""
    return sha256(
        canonical_json({name: sha256(body).hexdigest() for name, body in files.items()})
    ).hexdigest()


def _read_files(directory: Path) -> dict[str, bytes]:
    try:
        paths = sorted(path for path in directory.iterdir() if path.is_file())
    except OSError as exc:
        raise ModelNotReleased(f"model: want to read {directory}, got {exc.strerror}") from exc
    if len(paths) > MAX_FILES:
        raise ModelNotReleased(f"model {directory}: want at most {MAX_FILES} files, got {len(paths)}")
    files, left = {}, MAX_MODEL_BYTES
    for path in paths:
        files[path.name] = _read(path, left)
        left -= len(files[path.name])
    return files


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except OSError as exc:
        raise ModelNotReleased(f"model: want to read {path}, got {exc.strerror}") from exc
    if len(body) > limit:
        raise ModelNotReleased(f"model: want at most {limit} bytes in {path}, got more")
    return body
