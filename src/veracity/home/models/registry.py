"""The registry of models: kept by digest, signed, listed as the log has them, given out whole or not."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from veracity.errors import Malformed, VeracityError
from veracity.home.directory import write_whole
from veracity.home.errors import HomeError, HomeUnusable
from veracity.home.home import Home, Writer
from veracity.home.models.publishing import public_path, publishing_key, publishing_public_key
from veracity.home.models.said import read_said
from veracity.log.errors import ObjectMissing
from veracity.models.description import Description
from veracity.models.errors import MalformedModel, ModelAltered
from veracity.models.files import MAX_FILE_BYTES, MAX_FILES, MAX_MODEL_BYTES, ModelFiles
from veracity.provenance.errors import BundleRejected, MalformedBundle
from veracity.provenance.model_signing import Manifest, differences, open_bundle, sign_directory
from veracity.provenance.statements import Train

SIGNATURE = "model.sig"
_DIGEST = re.compile(r"[0-9a-f]{8,64}")


class UnknownModel(HomeError, Malformed):
    """No model of this name or digest was trained, or several were."""

    code = "unknown-model"


@dataclass(frozen=True)
class ModelRow:
    """A model as the log has it: the place of its statement, and what that says."""

    idx: int
    train: Train

    @property
    def sha256(self) -> str:
        """The digest that names it."""
        return self.train.model_sha256


def models(home: Home) -> list[ModelRow]:
    """Return every model trained, in log order."""
    return [ModelRow(idx, read_said(home, idx, Train)) for idx, _ in home.index.predicates("train")]


def find_model(home: Home, name: str) -> ModelRow:
    """Return the last model of a name, or the one whose digest begins so (8 digits or more).

    Raises
    ------
    UnknownModel
        If there is none, or more than one.
    """
    said = [(idx, str(p["name"]), str(p["model"])) for idx, p in home.index.predicates("train")]
    found = [idx for idx, its_name, _ in said if its_name == name][-1:]
    if not found and _DIGEST.fullmatch(name):
        found = list({sha256: idx for idx, _, sha256 in reversed(said) if sha256.startswith(name)}.values())
    if len(found) != 1:
        names = ", ".join(dict.fromkeys(n for _, n, _ in said)) or "none"
        raise UnknownModel(f"model: want one of those trained ({names}) or its digest, got {name[:80]!r}")
    return ModelRow(found[0], read_said(home, found[0], Train))


def export_model(home: Home, sha256: str, to: Path) -> list[str]:
    """Write a model's files, its signature and the key that verifies it into a new directory; return names.

    ``model.sig`` and ``publishing.pem`` lie beside the folder ``files``, so that the public tool can be
    pointed at just what was signed.

    Raises
    ------
    ModelAltered
        If it is not whole: nothing is written.
    HomeUnusable
        If the directory is there or cannot be made.
    """
    model = load_model(home, sha256)
    hint = Description.of(model).signed_by
    beside = {
        SIGNATURE: home.objects.get(f"{model_folder(sha256)}/{SIGNATURE}"),
        "publishing.pem": home.objects.get(public_path(hint)),
    }
    files = {f"files/{name}": body for name, body in model.files.items()}
    try:
        (to / "files").mkdir(parents=True, exist_ok=False)
        for name, body in {**files, **beside}.items():
            write_whole(to / name, body)
    except OSError as exc:
        raise HomeUnusable(f"to: want to make the directory {to}, got {exc.strerror or exc}") from exc
    return sorted([*files, *beside])


def model_folder(sha256: str) -> str:
    """Return where the files of a model are kept."""
    return f"models/{sha256}"


def manifest(model: ModelFiles, name: str) -> Manifest:
    """Return what is signed of a model: the digest of each file by its name."""
    return Manifest(name, {n: hashlib.sha256(body).hexdigest() for n, body in model.files.items()})


def write_model(home: Writer, model: ModelFiles, name: str) -> str:
    """Keep a model's files and their signature by the home's publishing key; return the model's digest."""
    folder, key = model_folder(model.sha256), publishing_key(home)
    files = [(f"{folder}/{file}", body) for file, body in sorted(model.files.items())]
    signature = sign_directory(manifest(model, name), key)
    home.objects.put_many([*files, (f"{folder}/{SIGNATURE}", signature)])
    return model.sha256


def load_model(home: Home, sha256: str) -> ModelFiles:
    """Read a model's files; every digest and the signature are checked.

    Raises
    ------
    ModelAltered
        If a file was changed, added, removed or renamed, or the signature is not the home's.
    """
    folder, files = model_folder(sha256), dict[str, bytes]()
    paths = sorted(home.objects.list(folder))
    if len(paths) > MAX_FILES + 1:
        raise ModelAltered(f"model {sha256[:16]}: want at most {MAX_FILES} files, got {len(paths)}")
    try:
        _check_sizes(home, paths)
        for path in paths:
            files[path.removeprefix(f"{folder}/")] = home.objects.get(path)
        signature = files.pop(SIGNATURE, None)
        model = ModelFiles(files)
    except (MalformedModel, ObjectMissing) as exc:
        raise ModelAltered(f"model {sha256[:16]}: want its files as they were signed, got: {exc}") from exc
    if model.sha256 != sha256:
        raise ModelAltered(f"model {sha256[:16]}: {_told(home, model, signature)}")
    _check_signature(home, model, signature)
    return model


def _check_sizes(home: Home, paths: Sequence[str]) -> None:
    """Raise MalformedModel before any file is read that is larger than a model's can be, or all together."""
    total = 0
    for path in paths:
        total += (size := home.objects.size(path))
        if size > MAX_FILE_BYTES or total > MAX_MODEL_BYTES:
            raise MalformedModel(
                f"{path}: want files of {MAX_FILE_BYTES:,} bytes at most, {MAX_MODEL_BYTES:,} together,"
                f" got one of {size:,}"
            )


def _check_signature(home: Home, model: ModelFiles, signature: bytes | None) -> None:
    if signature is None:
        raise ModelAltered(f"model {model.sha256[:16]}: want it signed, got no {SIGNATURE}")
    try:
        key = publishing_public_key(home, Description.of(model).signed_by)
        signed = open_bundle(signature, key)
    except (BundleRejected, MalformedBundle, MalformedModel) as exc:
        raise ModelAltered(f"model {model.sha256[:16]}: want the home's signature, got: {exc}") from exc
    told = differences(signed.files, manifest(model, "model").files)
    if told or signed.ignored:
        got = "; ".join(told) or "paths left out"
        raise ModelAltered(f"model {model.sha256[:16]}: want the files that were signed, got {got[:300]}")


def _told(home: Home, model: ModelFiles, signature: bytes | None) -> str:
    """Say which files are not as they were signed, as far as the signature can be believed."""
    plain = f"want files of that digest, got {model.sha256[:16]}"
    try:
        key = publishing_public_key(home, Description.of(model).signed_by)
        signed = open_bundle(signature or b"", key)
    except VeracityError:
        return plain
    told = "; ".join(differences(signed.files, manifest(model, "model").files))
    return f"{plain}: {told[:300]}" if told else plain
