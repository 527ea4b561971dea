"""Private keys in the keyring of the operating system. Needs the extra ``veracity[keyring]``."""

from types import ModuleType

from veracity.provenance.errors import KeyUnavailable, MalformedKeyReference

MAX_NAME_CHARS = 255


def keyring_item(text: str) -> tuple[str, str]:
    """Read ``SERVICE/NAME``; the name may have further slashes."""
    service, slash, name = text.partition("/")
    if not (service and slash and name) or len(text) > MAX_NAME_CHARS or not text.isprintable():
        raise MalformedKeyReference(f"keyring: want SERVICE/NAME, got {text[:40]!r}")
    return service, name


def read_keyring(service: str, name: str) -> bytes:
    """Return what is kept under a name; KeyUnavailable if there is nothing or it cannot be had."""
    secret = find_keyring(service, name)
    if secret is None:
        raise KeyUnavailable(f"keyring: want an item {service}/{name}, got none")
    return secret


def find_keyring(service: str, name: str) -> bytes | None:
    """Return what is kept under a name, or None."""
    keyring = _library()
    try:
        secret = keyring.get_password(service, name)
    except Exception as exc:
        raise _unavailable("read", service, name, exc) from exc
    return None if secret is None else str(secret).encode("utf-8")


def write_keyring(service: str, name: str, secret: bytes) -> None:
    """Keep a text under a name that has none."""
    if find_keyring(service, name) is not None:
        raise KeyUnavailable(
            f"keyring: want no item {service}/{name} yet, got one; keys are never overwritten"
        )
    try:
        _library().set_password(service, name, secret.decode("utf-8"))
    except Exception as exc:
        raise _unavailable("write", service, name, exc) from exc


def delete_keyring(service: str, name: str) -> None:
    """Forget what is kept under a name."""
    try:
        _library().delete_password(service, name)
    except Exception as exc:
        raise _unavailable("delete", service, name, exc) from exc


def _library() -> ModuleType:
    try:
        import keyring
    except ImportError as exc:
        raise KeyUnavailable("keyring: want the library (pip install 'veracity[keyring]'), got none") from exc
    return keyring


def _unavailable(verb: str, service: str, name: str, exc: Exception) -> KeyUnavailable:
    # Each backend of the library raises errors of its own (D-Bus, a locked chain, none installed).
    detail = " ".join(str(exc).split())[:120]
    return KeyUnavailable(
        f"keyring: want to {verb} {service}/{name}, got {type(exc).__name__} {detail}".rstrip()
    )
