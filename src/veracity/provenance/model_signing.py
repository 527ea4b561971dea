"""A directory signed as OpenSSF Model Signing does (predicate ``signature/v1.0``): a model's, or a table's.

The signature is a Sigstore bundle: a DSSE envelope of an in-toto statement that lists every file by
name and SHA-256. Files stand in the predicate, not among the subjects, because subjects match by digest
alone: names could be swapped and files dropped. The one subject is the SHA-256 of all digests in order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Any

from veracity.canonical import canonical_json
from veracity.errors import Malformed
from veracity.provenance.dsse import IN_TOTO, Envelope, EnvelopeSignature, pae
from veracity.provenance.errors import BundleRejected, DirectoryDiffers, MalformedBundle
from veracity.provenance.fields import Fields
from veracity.provenance.publishing_keys import PublishingKey, PublishingPublicKey
from veracity.provenance.statements import STATEMENT_TYPE
from veracity.provenance.strictjson import parse_json

PREDICATE_TYPE = "https://model_signing/signature/v1.0"
MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MAX_BUNDLE_BYTES = 67_108_864
MAX_FILES = 200_000
MAX_IGNORED = 1_000
MAX_NAME = 4_096
_SHOWN = 20


@dataclass(frozen=True)
class Manifest:
    """What a directory holds.

    Attributes
    ----------
    name
        The directory's, a courtesy to the reader.
    files
        Hex SHA-256 by path, ``/`` between names, relative to the directory.
    ignored
        Paths that the signer left out, with all below them.
    allow_symlinks
        Whether links to files were followed.
    """

    name: str
    files: Mapping[str, str]
    ignored: tuple[str, ...] = ()
    allow_symlinks: bool = False

    def __post_init__(self) -> None:
        for path in (*self.files, *self.ignored):
            check_path(path)
        if len(self.files) > MAX_FILES:
            raise MalformedBundle(f"files: want at most {MAX_FILES}, got {len(self.files)}")
        if not self.name or len(self.name) > MAX_NAME:
            raise MalformedBundle(f"name: want 1 to {MAX_NAME} characters, got {len(self.name)}")


def check_path(path: str) -> None:
    """Raise MalformedBundle unless ``path`` is relative, inside the directory, and spelt in its one way."""
    pure = PurePosixPath(path)
    if (
        not path
        or len(path) > MAX_NAME
        or "\0" in path
        or pure.is_absolute()
        or ".." in pure.parts
        or str(pure) != path
        or path == "."
    ):
        raise MalformedBundle(f"path: want one inside the directory, got {path[:80]!r}")


def sign_directory(manifest: Manifest, key: PublishingKey) -> bytes:
    """Sign a manifest; the bytes are a Sigstore bundle v0.3 that ``model_signing verify key`` reads.

    Raises
    ------
    MalformedBundle
        If it would be over 64 MiB: nobody should have to read it.
    """
    payload = canonical_json(_statement(manifest))
    signature = EnvelopeSignature("", key.sign(pae(IN_TOTO, payload)))
    bundle = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key.public.hint}, "tlogEntries": []},
        "dsseEnvelope": Envelope(payload, (signature,)).to_object(),
    }
    data = canonical_json(bundle) + b"\n"
    if len(data) > MAX_BUNDLE_BYTES:
        raise MalformedBundle(f"bundle: want at most {MAX_BUNDLE_BYTES} bytes, got {len(data)}")
    return data


def open_bundle(data: bytes, key: PublishingPublicKey) -> Manifest:
    """Verify a bundle's signature with the key of who is believed, and return what was signed.

    Raises
    ------
    MalformedBundle
        If it is no such bundle, or one of a form not read here: sharded files, other hashes than SHA-256.
    BundleRejected
        If the signature is not the key's, or the digests do not give the subject's.
    """
    document = parse_json(data, "bundle", MAX_BUNDLE_BYTES, MalformedBundle)
    fields = Fields(document, "bundle", MalformedBundle)
    fields.choice("mediaType", (MEDIA_TYPE,))
    hint = _hint(fields.object("verificationMaterial"))
    try:
        envelope = Envelope.from_object(fields.take("dsseEnvelope"), "bundle.dsseEnvelope")
    except Malformed as exc:
        raise MalformedBundle(str(exc)) from exc
    fields.done()
    if hint not in (None, key.hint):
        raise BundleRejected(f"key: want {key.hint}, got {hint}")
    if len(envelope.signatures) != 1:
        raise MalformedBundle(f"signatures: want one, got {len(envelope.signatures)}")
    key.verify(envelope.signatures[0].signature, pae(IN_TOTO, envelope.payload))
    return _parse_statement(envelope.payload)


def check_same(signed: Manifest, found: Manifest) -> None:
    """Raise DirectoryDiffers, naming each file that was changed, added, removed or renamed."""
    told = differences(signed.files, found.files)
    if told:
        more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        raise DirectoryDiffers(f"directory: want it as signed, got {'; '.join(told[:_SHOWN])}{more}")


def differences(signed: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    """Say what became of each file, in order of names; nothing if all is as it was.

    Examples
    --------
    >>> differences({"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "9", "d": "3"})
    ['b changed', 'c renamed to d']
    """
    added = {path: digest for path, digest in found.items() if path not in signed}
    by_digest: dict[str, list[str]] = {}
    for path in sorted(added, reverse=True):
        by_digest.setdefault(added[path], []).append(path)
    told = []
    for path in sorted(signed):
        if path in found:
            if found[path] != signed[path]:
                told.append((path, f"{path} changed"))
        elif same := by_digest.get(signed[path]):
            new = same.pop()
            del added[new]
            told.append((path, f"{path} renamed to {new}"))
        else:
            told.append((path, f"{path} removed"))
    told += [(path, f"{path} added") for path in added]
    return [text for _, text in sorted(told)]


def _statement(manifest: Manifest) -> dict[str, Any]:
    # In the order that the public tool gives them: by the names on the way, not by the text of the path.
    paths = sorted(manifest.files, key=lambda path: PurePosixPath(path).parts)
    serialization: dict[str, Any] = {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": manifest.allow_symlinks,
    }
    if manifest.ignored:
        serialization["ignore_paths"] = list(manifest.ignored)
    root = _root(manifest.files[path] for path in paths)
    resources = [{"name": p, "algorithm": "sha256", "digest": manifest.files[p]} for p in paths]
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": manifest.name, "digest": {"sha256": root}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"serialization": serialization, "resources": resources},
    }


def _root(digests: Iterable[str]) -> str:
    hasher = sha256()
    for digest in digests:
        hasher.update(bytes.fromhex(digest))
    return hasher.hexdigest()


def _hint(fields: Fields) -> str | None:
    """Return the key that the signer names; None where none is. Nothing vouches for it."""
    public = fields.object("publicKey")
    hint = public.optional("hint", lambda name: public.text(name, 128)) if "hint" in public else None
    for name in ("rawBytes", "keyDetails"):  # written by older signers, and read by nobody
        if name in public:
            public.take(name)
    public.done()
    if "tlogEntries" in fields and fields.items("tlogEntries", 16):
        raise MalformedBundle("bundle.tlogEntries: want none beside a key, got some")
    fields.done()
    return hint


def _parse_statement(payload: bytes) -> Manifest:
    document = parse_json(payload, "statement", MAX_BUNDLE_BYTES, MalformedBundle)
    fields = Fields(document, "statement", MalformedBundle)
    fields.choice("_type", (STATEMENT_TYPE,))
    fields.choice("predicateType", (PREDICATE_TYPE,))
    subjects = fields.objects("subject", 1)
    if not subjects:
        raise MalformedBundle("statement.subject: want one, got none")
    name = subjects[0].text("name")
    root = subjects[0].object("digest").sha256("sha256")
    # What version 1.0 of the predicate does not know is to be left aside, says its specification.
    predicate = fields.object("predicate")
    fields.done()
    ignored, allow_symlinks = _serialization(predicate.object("serialization"))
    files: dict[str, str] = {}
    for item in predicate.objects("resources", MAX_FILES):
        path = item.text("name")
        item.choice("algorithm", ("sha256",))
        if path in files:
            raise MalformedBundle(f"resources: want each file once, got {path[:80]!r} twice")
        files[path] = item.sha256("digest")
        item.done()
    if _root(files.values()) != root:
        raise BundleRejected(f"subject: want the digest of the resources, got {root}")
    return Manifest(name, files, ignored, allow_symlinks)


def _serialization(fields: Fields) -> tuple[tuple[str, ...], bool]:
    fields.choice("method", ("files",))
    fields.choice("hash_type", ("sha256",))
    allow_symlinks = fields.flag("allow_symlinks")
    ignored = fields.items("ignore_paths", MAX_IGNORED) if "ignore_paths" in fields else []
    if not all(isinstance(path, str) for path in ignored):
        raise fields.fail("ignore_paths", "paths", ignored)
    fields.done()
    return tuple(ignored), allow_symlinks
