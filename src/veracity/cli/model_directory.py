"""``veracity model keygen`` and ``sign``: a directory signed as OpenSSF Model Signing does, and checked."""

from pathlib import Path

import click

from veracity.cli.output import common, emit, write_output
from veracity.feeds.file_info import read_file
from veracity.provenance.keys import MAX_PEM_BYTES
from veracity.provenance.model_signing import (
    MAX_BUNDLE_BYTES,
    MAX_FILES,
    Manifest,
    check_same,
    open_bundle,
    sign_directory,
)
from veracity.provenance.publishing_keys import PublishingKey, PublishingPublicKey
from veracity.stores.directories import hash_files

_GIT = (".git", ".gitattributes", ".github", ".gitignore")
_PATH = click.Path(path_type=Path)
_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--key", required=True, type=_PATH, help="Where to write the private key, mode 0600.")
@click.option("--public", required=True, type=_PATH, help="Where to write the public key.")
@common
def keygen(key: Path, public: Path, as_json: bool) -> None:
    """Make a publishing key (ECDSA, P-256)."""
    made = PublishingKey.generate()
    made.write(key)
    write_output(public, made.public.to_pem())
    document = {"key": key, "public": public, "hint": made.public.hint}
    emit("publishing-key", document, f"private key to {key}, public key to {public}", as_json)


@click.command()
@click.argument("directory", type=_DIRECTORY)
@click.option("--key", required=True, type=_PATH, help="The private key, PEM.")
@click.option("-o", "--output", required=True, type=_PATH, help="Where to write the signature.")
@click.option("--ignore", multiple=True, help="A path in DIR to leave out, with all below it. Repeatable.")
@click.option("--ignore-git", is_flag=True, help=f"Leave out {', '.join(_GIT)}.")
@click.option("--allow-symlinks", is_flag=True, help="Follow links to files.")
@common
def sign(
    directory: Path,
    key: Path,
    output: Path,
    ignore: tuple[str, ...],
    ignore_git: bool,
    allow_symlinks: bool,
    as_json: bool,
) -> None:
    """Sign every file of a directory; `model_signing verify key` reads the signature."""
    signer = PublishingKey.read(key)
    ignored = _ignored(directory, output, ignore, _GIT if ignore_git else ())
    manifest = _look(directory, ignored, allow_symlinks)
    write_output(output, sign_directory(manifest, signer))
    document = {
        "directory": directory,
        "files": len(manifest.files),
        "ignored": manifest.ignored,
        "hint": signer.public.hint,
        "to": output,
    }
    emit(
        "model-signed", document, f"{len(manifest.files):,} files of {directory} signed, to {output}", as_json
    )


def verify_directory(
    directory: Path, signature: Path, key: Path, ignore: tuple[str, ...], as_json: bool
) -> None:
    """Check that a directory is, file by file, the one that was signed, and print so."""
    public = PublishingPublicKey.from_pem(read_file(key, MAX_PEM_BYTES))
    signed = open_bundle(read_file(signature, MAX_BUNDLE_BYTES), public)
    ignored = _ignored(directory, signature, (*signed.ignored, *ignore), ())
    check_same(signed, _look(directory, ignored, signed.allow_symlinks))
    not_checked = [f"{path}: left out, with all below it" for path in ignored if (directory / path).exists()]
    document = {
        "verified": True,
        "name": signed.name,
        "files": len(signed.files),
        "hint": public.hint,
        "not_checked": not_checked,
    }
    lines = [f"VERIFIED  {len(signed.files):,} files of {directory} as signed by key {public.hint[:16]}"]
    lines += ["", "not checked", *(f"  {line}" for line in not_checked)] if not_checked else []
    emit("model-verification", document, "\n".join(lines), as_json)


def _look(directory: Path, ignored: tuple[str, ...], allow_symlinks: bool) -> Manifest:
    files = hash_files(directory, ignored, max_files=MAX_FILES, allow_symlinks=allow_symlinks)
    return Manifest(directory.resolve().name or "/", files, ignored, allow_symlinks)


def _ignored(
    directory: Path, signature: Path, given: tuple[str, ...], more: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the paths to leave out, as given for this call, and the signature's own if it lies inside."""
    inside = signature.resolve().is_relative_to(directory.resolve())
    own = (signature.resolve().relative_to(directory.resolve()).as_posix(),) if inside else ()
    return tuple(dict.fromkeys((*given, *more, *own)))
