"""Witnesses asked over HTTP."""

import time

import urllib3
from urllib3.exceptions import HTTPError

from veracity.log.errors import WitnessUnreachable
from veracity.log.witness_exchange import MAX_ANSWER_BYTES, Answer

_CHUNK_BYTES = 16_384
_AGENT = "veracity-log"


class HttpWitnesses:
    """``WitnessTransport`` over HTTP and HTTPS: connections are kept, nothing is redirected or retried."""

    def __init__(self) -> None:
        self._pool = urllib3.PoolManager(num_pools=64, maxsize=2, retries=False)

    def add_checkpoint(self, url: str, body: bytes, timeout_s: float) -> Answer:
        """Post ``body`` to ``<url>/add-checkpoint``; see ``WitnessTransport``."""
        return self._ask("POST", url, "add-checkpoint", body, timeout_s)

    def latest_checkpoint(self, url: str, origin_digest: str, timeout_s: float) -> Answer:
        """Get what the witness cosigned last; see ``WitnessTransport``."""
        return self._ask("GET", url, f"{origin_digest}/checkpoint", None, timeout_s)

    def _ask(self, method: str, url: str, path: str, body: bytes | None, timeout_s: float) -> Answer:
        if not url.startswith(("https://", "http://")):
            raise WitnessUnreachable(f"witness: want an https or http URL, got {url[:80]!r}")
        if timeout_s <= 0:
            raise WitnessUnreachable(f"witness {url}: want an answer in time, got none")
        end_s = time.monotonic() + timeout_s
        headers = {"User-Agent": _AGENT}
        if body is not None:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        try:
            response = self._pool.request(
                method,
                f"{url.rstrip('/')}/{path}",
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=timeout_s),
                redirect=False,
                preload_content=False,
            )
            try:
                content = _read(response, url, end_s)
            except BaseException:
                response.close()  # what is left of the answer must not meet the next request
                raise
            response.release_conn()
        except (HTTPError, ValueError, OSError) as exc:
            reason = (str(exc).splitlines() or [type(exc).__name__])[0][:200]
            raise WitnessUnreachable(f"witness {url}: {reason}") from exc
        return Answer(response.status, response.headers.get("Content-Type", ""), content)


def _read(response: urllib3.BaseHTTPResponse, url: str, end_s: float) -> bytes:
    """Read an answer of bounded size; each piece may be slow, all of them together not."""
    content = bytearray()
    while chunk := response.read1(_CHUNK_BYTES, decode_content=False):
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            raise WitnessUnreachable(f"witness {url}: want at most {MAX_ANSWER_BYTES} bytes, got more")
        if time.monotonic() > end_s:
            raise WitnessUnreachable(f"witness {url}: want an answer in time, got {len(content)} bytes")
    return bytes(content)
