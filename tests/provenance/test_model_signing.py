"""Signed directories: with the public tool ``model_signing`` in both directions, and tampered with."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from run_cli import Here
from veracity.provenance.dsse import IN_TOTO, pae
from veracity.provenance.errors import BundleRejected, DirectoryDiffers, MalformedBundle
from veracity.provenance.model_signing import (
    Manifest,
    check_same,
    differences,
    open_bundle,
    sign_directory,
)
from veracity.provenance.publishing_keys import PublishingKey

TOOL = Path(sys.executable).with_name("model_signing")
KEY = PublishingKey.generate()  # ECDSA draws its nonces from the system: bytes differ, verdicts do not
DIGESTS = [f"{i:064x}" for i in range(4)]
SIGNED = sign_directory(Manifest("m", {"a": DIGESTS[0], "d/b": DIGESTS[1]}), KEY)


def tool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the public tool."""
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, timeout=120)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    for name, text in {
        "weights.safetensors": "w" * 3_000_000,
        "config.json": "{}",
        "empty": "",
        "a/b": "1",
        "a-b": "2",  # sorts otherwise as text than as a path
        "tên đường/đo.txt": "3",
        ".hidden": "4",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.fixture
def keys(tmp_path: Path, here: Here) -> tuple[Path, Path]:
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    assert here("model", "keygen", "--key", private, "--public", public).code == 0
    assert private.stat().st_mode & 0o777 == 0o600
    return private, public


def change(root: Path) -> None:
    (root / "config.json").write_text("{ }")


def add(root: Path) -> None:
    (root / "a" / "new").write_text("")


def hide(root: Path) -> None:
    (root / ".new").write_text("")


def remove(root: Path) -> None:
    (root / "empty").unlink()


def rename(root: Path) -> None:
    (root / "a-b").rename(root / "c")


def swap(root: Path) -> None:
    one, other = root / "a-b", root / "a" / "b"
    texts = one.read_text(), other.read_text()
    one.write_text(texts[1])
    other.write_text(texts[0])


TAMPERING: list[tuple[Callable[[Path], None], str]] = [
    (change, "config.json changed"),
    (add, "a/new added"),
    (hide, ".new added"),
    (remove, "empty removed"),
    (rename, "a-b renamed to c"),
    (swap, "a-b changed; a/b changed"),
]


@pytest.mark.parametrize("place", ["outside", "inside"])
def test_the_public_tool_verifies_ours(
    model: Path, keys: tuple[Path, Path], here: Here, tmp_path: Path, place: str
) -> None:
    """`model_signing verify key` accepts what `veracity model sign` signed, and refuses it once changed."""
    private, public = keys
    signature = (model if place == "inside" else tmp_path) / "model.sig"
    assert here("model", "sign", model, "--key", private, "-o", signature).code == 0
    verify = ("verify", "key", model, "--signature", signature, "--public_key", public)
    done = tool(*verify)
    assert done.returncode == 0, done.stdout + done.stderr
    change(model)
    assert tool(*verify).returncode != 0


def test_ours_verifies_the_public_tools(
    model: Path, keys: tuple[Path, Path], here: Here, tmp_path: Path
) -> None:
    """`veracity model verify` accepts what `model_signing sign key` signed, and tells what it left out."""
    private, public = keys
    (model / ".gitignore").write_text("*")
    signature = model / "model.sig"
    done = tool("sign", "key", model, "--signature", signature, "--private_key", private)
    assert done.returncode == 0, done.stdout + done.stderr
    verify = ("model", "verify", model, "--signature", signature, "--key", public)
    told = json.loads(here(*verify, "--json").out)
    assert (told["verified"], told["files"]) == (True, 7)
    assert sorted(line.split(":")[0] for line in told["not_checked"]) == [".gitignore", "model.sig"]
    change(model)
    done_here = here(*verify)
    assert (done_here.code, "config.json changed" in done_here.err) == (1, True)


@pytest.mark.parametrize(("tamper", "told"), TAMPERING, ids=[told for _, told in TAMPERING])
@pytest.mark.parametrize("signer", ["ours", "theirs"])
def test_every_change_is_told_by_name(
    model: Path, keys: tuple[Path, Path], here: Here, tmp_path: Path, tamper: Any, told: str, signer: str
) -> None:
    """Whoever signed: a file changed, added, hidden, removed, renamed or swapped is named, and exit is 1."""
    private, public = keys
    signature = tmp_path / "model.sig"
    if signer == "ours":
        assert here("model", "sign", model, "--key", private, "-o", signature).code == 0
    else:
        assert not tool("sign", "key", model, "--signature", signature, "--private_key", private).returncode
    tamper(model)
    done = here("model", "verify", model, "--signature", signature, "--key", public)
    assert done.code == 1
    assert told in done.err
    checked_there = ("--signature", signature, "--public_key", public)
    assert tool("verify", "key", model, *checked_there).returncode != 0


def test_git_files_count_unless_left_out(
    model: Path, keys: tuple[Path, Path], here: Here, tmp_path: Path
) -> None:
    """Nothing is left out unasked; the public tool leaves out git's files unless told not to."""
    private, public = keys
    (model / ".gitattributes").write_text("*")
    signature = tmp_path / "model.sig"
    verify = ("verify", "key", model, "--signature", signature, "--public_key", public)
    assert here("model", "sign", model, "--key", private, "-o", signature).code == 0
    assert tool(*verify).returncode != 0
    assert tool(*verify, "--no-ignore-git-paths").returncode == 0
    assert here("model", "sign", model, "--key", private, "-o", signature, "--ignore-git").code == 0
    assert tool(*verify).returncode == 0


def test_a_delta_table_is_a_directory_too(keys: tuple[Path, Path], here: Here, tmp_path: Path) -> None:
    """A Delta table is signed and verified as it lies, its log of versions included."""
    import polars as pl

    private, public = keys
    table, signature = tmp_path / "table", tmp_path / "table.sig"
    pl.DataFrame({"pm25": [26.625, 11.5]}).write_delta(str(table))
    assert here("model", "sign", table, "--key", private, "-o", signature).code == 0
    verify = ("verify", "key", table, "--signature", signature, "--public_key", public)
    assert tool(*verify).returncode == 0
    pl.DataFrame({"pm25": [0.0]}).write_delta(str(table), mode="append")
    done = here("model", "verify", table, "--signature", signature, "--key", public)
    assert done.code == 1
    assert "_delta_log/00000000000000000001.json added" in done.err
    assert tool(*verify).returncode != 0


def test_links(model: Path, keys: tuple[Path, Path], here: Here, tmp_path: Path) -> None:
    """A link is refused unless it is to be followed, and then both tools see the same file behind it."""
    private, public = keys
    signature = tmp_path / "model.sig"
    (tmp_path / "shared").write_text("s")
    (model / "link").symlink_to(tmp_path / "shared")
    sign = ("model", "sign", model, "--key", private, "-o", signature)
    assert here(*sign).code == 3
    assert here(*sign, "--allow-symlinks").code == 0
    verify = ("verify", "key", model, "--signature", signature, "--public_key", public)
    assert tool(*verify, "--allow_symlinks").returncode == 0
    assert here("model", "verify", model, "--signature", signature, "--key", public).code == 0


def test_another_key(model: Path, keys: tuple[Path, Path], here: Here, tmp_path: Path) -> None:
    """A signature by another key is no signature, and no key file is overwritten."""
    private, public = keys
    signature = tmp_path / "model.sig"
    assert here("model", "sign", model, "--key", private, "-o", signature).code == 0
    other = tmp_path / "other.pem", tmp_path / "other.pub"
    assert here("model", "keygen", "--key", other[0], "--public", other[1]).code == 0
    done = here("model", "verify", model, "--signature", signature, "--key", other[1])
    assert done.code == 1
    assert here("model", "keygen", "--key", private, "--public", public).code == 4
    private.chmod(0o644)
    assert here("model", "sign", model, "--key", private, "-o", signature).code == 1
    private.chmod(0o600)
    private.write_text("-----BEGIN PRIVATE KEY-----\nsecret\n")
    done = here("model", "sign", model, "--key", private, "-o", signature)
    assert (done.code, "secret" in done.err) == (3, False)


def test_manifest_of_ours_is_what_the_tool_would_write(
    model: Path, keys: tuple[Path, Path], here: Here, tmp_path: Path
) -> None:
    """Both tools list the same files in the same order, and give the directory the same digest."""
    private, _ = keys
    statements = []
    for signature in (tmp_path / "ours.sig", tmp_path / "theirs.sig"):
        if signature.name == "ours.sig":
            assert here("model", "sign", model, "--key", private, "-o", signature).code == 0
        else:
            options = ("--no-ignore-git-paths", "--signature", signature, "--private_key", private)
            assert tool("sign", "key", model, *options).returncode == 0
        envelope = json.loads(signature.read_bytes())["dsseEnvelope"]
        statements.append(json.loads(b64decode(envelope["payload"])))
    ours, theirs = statements
    assert ours["subject"] == theirs["subject"]
    assert ours["predicate"]["resources"] == theirs["predicate"]["resources"]


def resigned(change: Callable[[Any], None]) -> bytes:
    """Return the bundle with its statement changed and signed again by the same key."""
    bundle = json.loads(SIGNED)
    statement = json.loads(b64decode(bundle["dsseEnvelope"]["payload"]))
    change(statement)
    payload = json.dumps(statement).encode()
    signature = b64encode(KEY.sign(pae(IN_TOTO, payload))).decode()
    bundle["dsseEnvelope"] |= {
        "payload": b64encode(payload).decode(),
        "signatures": [{"keyid": "", "sig": signature}],
    }
    return json.dumps(bundle).encode()


def put(*path: Any, value: Any) -> Callable[[Any], None]:
    def change(statement: Any) -> None:
        target = statement
        for name in path[:-1]:
            target = target[name]
        target[path[-1]] = value

    return change


RESOURCES = ("predicate", "resources")
MALFORMED = [
    put(*RESOURCES, 0, "name", value="../a"),
    put(*RESOURCES, 0, "name", value="/a"),
    put(*RESOURCES, 0, "name", value="d//b"),
    put(*RESOURCES, 0, "name", value="./a"),
    put(*RESOURCES, 0, "name", value="d/b"),
    put(*RESOURCES, 0, "name", value=""),
    put(*RESOURCES, 0, "name", value="a\0"),
    put(*RESOURCES, 0, "algorithm", value="blake3"),
    put(*RESOURCES, 0, "digest", value=DIGESTS[0].upper() + "A"),
    put("predicate", "serialization", "method", value="shards"),
    put("predicate", "serialization", "hash_type", value="md5"),
    put("predicate", "serialization", "ignore_paths", value=["../x"]),
    put("predicateType", value="https://model_signing/Digests/v0.1"),
    put("subject", value=[]),
]


@pytest.mark.parametrize("change", MALFORMED)
def test_a_signed_statement_may_still_be_nonsense(change: Callable[[Any], None]) -> None:
    """What the right key signed is still read strictly: no path leads out, no file stands twice."""
    with pytest.raises(MalformedBundle):
        open_bundle(resigned(change), KEY.public)


def test_digest_of_all_must_be_the_subjects() -> None:
    """A statement whose files do not give its subject's digest contradicts itself."""
    with pytest.raises(BundleRejected):
        open_bundle(resigned(put(*RESOURCES, 0, "digest", value=DIGESTS[3])), KEY.public)
    later = resigned(put("predicate", "card", value={"license": "Apache-2.0"}))
    assert open_bundle(later, KEY.public).files == {"a": DIGESTS[0], "d/b": DIGESTS[1]}


def test_no_bit_of_a_bundle_can_be_flipped_unseen() -> None:
    """Flip any bit of a bundle: it is refused as ours, or says the same."""
    want = open_bundle(SIGNED, KEY.public)
    for bit in range(8 * len(SIGNED)):
        changed = bytearray(SIGNED)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            got = open_bundle(bytes(changed), KEY.public)
        except (MalformedBundle, BundleRejected):
            continue
        assert got == want


JUNK = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3)


@settings(deadline=None)
@given(st.recursive(JUNK, st.lists, max_leaves=3))
def test_only_our_errors(junk: Any) -> None:
    """Any JSON value in any place of a bundle fails as our own error, in one line."""
    bundle = json.loads(SIGNED)
    for changed in (junk, *({**bundle, name: junk} for name in bundle)):
        with pytest.raises((MalformedBundle, BundleRejected)) as caught:
            open_bundle(json.dumps(changed).encode(), KEY.public)
        assert "\n" not in str(caught.value)


def test_differences_are_bounded_in_words() -> None:
    """A directory that differs in thousands of files is told in one line of bounded length."""
    signed = Manifest("m", {f"f{i}": DIGESTS[0] for i in range(5_000)})
    with pytest.raises(DirectoryDiffers, match="and 4980 more") as caught:
        check_same(signed, Manifest("m", {}))
    assert len(str(caught.value)) < 1_000
    assert differences(signed.files, signed.files) == []


def test_a_seed_gives_one_publishing_key() -> None:
    """One seed, one key; another seed, another; no seed is too small."""
    keys = [PublishingKey.from_seed(bytes([n]) * 32).public.hint for n in (0, 1, 2, 255)]
    assert len(set(keys)) == 4
    assert PublishingKey.from_seed(b"\1" * 32).public.hint == keys[1]
