"""The path a client asked for, in the one spelling that counts."""

from starlette.types import Scope


def asked_path(scope: Scope) -> str:
    """Return the path below the application, as it was sent: percent signs are not decoded.

    Every path of ours is plain ASCII, so an encoded spelling is another path, and none of ours.
    """
    raw = scope.get("raw_path") or str(scope["path"]).encode("utf-8", "replace")
    path = raw.decode("ascii", "replace")
    return path.removeprefix(str(scope.get("root_path", ""))).removeprefix("/")
