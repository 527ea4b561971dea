"""The gateway at work: a thread for each source, one for the way to the city, and one that cuts batches."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from veracity.errors import VeracityError
from veracity.gateway.config import Config
from veracity.gateway.database import alone
from veracity.gateway.edge_model import open_model
from veracity.gateway.errors import GatewayError, StoreFull
from veracity.gateway.inlet import EdgeModel, Inlet
from veracity.gateway.sender import Sender
from veracity.gateway.sources.source import Source
from veracity.gateway.status import Tellers, Told, write_status
from veracity.gateway.store import Signed, Store
from veracity.provenance.keys import MessageSigner, SigningKey
from veracity.provenance.messages import sign_message
from veracity.provenance.secret_files import read_secret

TICK_S = 0.1
STATUS_S = 2.0
REPORT_S = 5.0  #: between two reports of losses
LONGEST_PAUSE_S = 60.0  #: between two attempts at a source that fails
STOP_S = 15.0
_LOG = logging.getLogger(__name__)


def run(
    config: Config,
    stop: threading.Event,
    now_ns: Callable[[], int] = time.time_ns,
    longest_pause_s: float = LONGEST_PAUSE_S,
) -> None:
    """Run until told to stop.

    Raises
    ------
    GatewayBusy
        If another gateway runs on this state.
    KeyUnavailable, ExposedKey, StoreUnusable
        If its key or its store cannot be used.
    """
    key = SigningKey.from_pem(read_secret(config.key, "gateway key"))
    with alone(config.state):
        store = Store(config.state, config.keep, now_ns)
        try:
            _Running(config, store, key, now_ns, longest_pause_s).run(stop)
        finally:
            store.close()


def signer(key: MessageSigner, name: str) -> Signed:
    """Return what makes a message of a feed's records, signed as a gateway, compressed."""

    def signed(feed: str, records: Sequence[bytes]) -> bytes:
        return sign_message(b"\n".join(records), records, feed, name, key, compress=True)

    return signed


class _Running:
    def __init__(
        self,
        config: Config,
        store: Store,
        key: MessageSigner,
        now_ns: Callable[[], int],
        longest_pause_s: float,
    ) -> None:
        self._config, self._store, self._now_ns = config, store, now_ns
        self._longest_pause_s = longest_pause_s
        self._signed = signer(key, config.name)
        self._tellers = Tellers(
            Told(now_ns),
            {source.name: Told(now_ns) for source in config.sources},
            {model.name: Told(now_ns) for model in config.models},
        )
        self._models = self._open_models()

    def run(self, stop: threading.Event) -> None:
        config = self._config
        sender = Sender(
            self._store,
            config.city,
            config.name,
            self._tellers.city,
            time.monotonic,
            config.cut.per_s,
            self._longest_pause_s,
        )
        threads = [threading.Thread(target=self._guarded, args=(sender.run, stop), name="city", daemon=True)]
        threads += [
            threading.Thread(target=self._read, args=(source, stop), name=source.name, daemon=True)
            for source in config.sources
        ]
        for thread in threads:
            thread.start()
        _LOG.info("started", extra={"gateway": config.name, "sources": len(config.sources)})
        try:
            self._cut_until(stop)
        finally:
            stop.set()
            until = time.monotonic() + STOP_S
            for thread in threads:
                thread.join(max(0.0, until - time.monotonic()))
            with suppress(GatewayError):
                self._store.cut(config.cut, self._signed, flush=True)
                write_status(config.state, config.name, self._tellers, self._now_ns())
            _LOG.info("stopped", extra={"gateway": config.name})

    def _open_models(self) -> list[EdgeModel]:
        """Open the models that the log released; without the others the gateway goes on."""
        opened: list[EdgeModel] = []
        for model in self._config.models:
            told = self._tellers.models[model.name]
            try:
                opened.append(open_model(model, self._config.policy, told))
                told.worked()
            except VeracityError as exc:
                told.failed(str(exc))
                _LOG.error("model refused", extra={"model": model.name, "error": str(exc)})
        return opened

    def _cut_until(self, stop: threading.Event) -> None:
        """Make batches, report losses, write the status."""
        next_status = next_report = 0.0
        while not stop.is_set():
            now = time.monotonic()
            try:
                self._store.cut(self._config.cut, self._signed)
                if now >= next_report:
                    next_report = now + REPORT_S
                    with suppress(StoreFull):  # they stay counted
                        self._store.report_losses(self._config.name, self._config.losses)
                if now >= next_status:
                    next_status = now + STATUS_S
                    write_status(self._config.state, self._config.name, self._tellers, self._now_ns())
            except GatewayError as exc:
                _LOG.error("store", extra={"error": str(exc)})
                stop.wait(1.0)
            stop.wait(TICK_S)

    def _read(self, source: Source, stop: threading.Event) -> None:
        """Run a source again and again, whatever becomes of it, less and less often while it fails."""
        told = self._tellers.sources[source.name]
        inlet = Inlet(self._store, source.name, source.feed, self._models, told, self._now_ns)
        pause_s = 0.5
        while not stop.is_set():
            began = time.monotonic()
            try:
                source.run(inlet, stop)
            except VeracityError as exc:
                told.failed(str(exc))
                _LOG.warning("source failed", extra={"source": source.name, "error": str(exc)})
            except Exception as exc:  # a bug of ours, or of a library: of this source alone
                told.failed(f"a bug: {type(exc).__name__}: {exc}")
                _LOG.exception("source failed", extra={"source": source.name})
            lasted = time.monotonic() - began > self._longest_pause_s
            pause_s = 0.5 if lasted else min(2 * pause_s, self._longest_pause_s)
            stop.wait(min(pause_s, self._longest_pause_s))

    def _guarded(self, work: Callable[[threading.Event], None], stop: threading.Event) -> None:
        """Run work again if a bug ends it."""
        while not stop.is_set():
            try:
                work(stop)
            except Exception as exc:
                self._tellers.city.failed(f"a bug: {type(exc).__name__}: {exc}")
                _LOG.exception("sender failed")
                stop.wait(5.0)
