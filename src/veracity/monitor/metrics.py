"""Numbers of each round for Prometheus, served on loopback unless told otherwise."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, start_http_server

from veracity.monitor.errors import MonitorUnusable
from veracity.monitor.report import Round


class Metrics:
    """One log's numbers, in a registry of their own. ``take`` is called after each round."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        gauges = {
            "log_size": "entries of the checkpoint shown",
            "entries_checked": "entries checked, in all rounds and runs",
            "log_reached": "1 if the log answered in the last round",
            "well": "1 if the log was reached and nothing is open",
            "last_success_timestamp_seconds": "when a round last looked at everything",
            "checkpoint_age_seconds": "since the newest cosignature, or since the checkpoint was first seen",
            "round_seconds": "how long the last round took",
        }
        self._gauges = {
            n: Gauge(f"veracity_monitor_{n}", d, registry=self.registry) for n, d in gauges.items()
        }
        self._findings = Gauge(
            "veracity_monitor_findings", "open findings nobody acknowledged", ["kind"], registry=self.registry
        )
        witness = {
            "witness_up": "1 if the witness showed a checkpoint that it cosigned",
            "witness_age_seconds": "since the witness cosigned what it shows",
            "witness_lag_entries": "entries that the witness is behind what is shown to us; negative: ahead",
        }
        self._witness = {
            n: Gauge(f"veracity_monitor_{n}", d, ["witness"], registry=self.registry)
            for n, d in witness.items()
        }
        self._rounds = Counter("veracity_monitor_rounds", "rounds made", registry=self.registry)
        self._seconds = Counter("veracity_monitor_seconds", "seconds spent in rounds", registry=self.registry)
        self._samples = Counter(
            "veracity_monitor_samples", "records made again, by result", ["result"], registry=self.registry
        )

    def take(self, made: Round) -> None:
        """Take in the numbers of a round."""
        set_gauge = self._gauges
        set_gauge["log_reached"].set(made.is_reached)
        set_gauge["well"].set(made.is_well)
        set_gauge["entries_checked"].set(made.n_checked)
        set_gauge["round_seconds"].set(made.seconds)
        if made.size is not None:
            set_gauge["log_size"].set(made.size)
        if made.checkpoint_age_s is not None:
            set_gauge["checkpoint_age_seconds"].set(made.checkpoint_age_s)
        if made.is_reached:
            set_gauge["last_success_timestamp_seconds"].set_to_current_time()
        self._findings.clear()
        for kind, n in made.by_kind.items():
            self._findings.labels(kind).set(n)
        for line in made.witnesses:
            self._witness["witness_up"].labels(line.name).set(line.problem is None)
            if line.age_s is not None and line.lag is not None:
                self._witness["witness_age_seconds"].labels(line.name).set(line.age_s)
                self._witness["witness_lag_entries"].labels(line.name).set(line.lag)
        samples = made.samples
        for result, n in (("good", samples.n_good), ("bad", samples.n_bad), ("not-had", samples.n_not_had)):
            self._samples.labels(result).inc(n)
        self._rounds.inc()
        self._seconds.inc(made.seconds)


@contextmanager
def served(metrics: Metrics, address: str, port: int) -> Iterator[int]:
    """Serve ``/metrics`` while the block runs; yield the port (0 asks for a free one).

    Raises
    ------
    MonitorUnusable
        If the port cannot be had.
    """
    try:
        server, thread = start_http_server(port, address, metrics.registry)
    except OSError as exc:
        raise MonitorUnusable(f"metrics: want port {port} of {address}, got {exc.strerror}") from exc
    try:
        yield int(server.server_port)
    finally:
        threading.Thread(target=server.shutdown).start()
        thread.join()
        server.server_close()
