"""What the web is told of a log's files (C2SP tlog-tiles): their types, and how long to keep them."""

from veracity.log.reader import CHECKPOINT_PATH

CHECKPOINT_TYPE = "text/plain; charset=utf-8"
FILE_TYPE = "application/octet-stream"
CHECKPOINT_AGE_S = 5
IMMUTABLE = "public, max-age=31536000, immutable"


def headers_of(path: str) -> dict[str, str]:
    """Return the headers of one file of a log, for a store that serves it to readers itself."""
    if path == CHECKPOINT_PATH:
        return {"Content-Type": CHECKPOINT_TYPE, "Cache-Control": f"public, max-age={CHECKPOINT_AGE_S}"}
    return {"Content-Type": FILE_TYPE, "Cache-Control": IMMUTABLE}
