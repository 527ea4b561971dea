"""What the running city counts, for Prometheus; and a span for each seal, where OpenTelemetry is configured.

Each process counts for itself in files of one folder (``PROMETHEUS_MULTIPROC_DIR``, set for it before it
starts); the process that serves ``/metrics`` adds them up. No label is a device: there may be any number.
What could be a label without end is cut off: after ``MAX_LABELS`` different ones it is ``other``.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from veracity.live.sources import SourceStatus

MAX_LABELS = 200
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 600.0)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


class Metrics:
    """The counters of one process, by its name. Its registry is its own: several may be in one process."""

    def __init__(self, process: str = "worker-0", registry: "CollectorRegistry | None" = None) -> None:
        # Imported here: it looks at its environment when it is loaded, once.
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self._process = process
        self.registry = registry or CollectorRegistry()
        given: dict[str, Any] = {"registry": self.registry, "namespace": "veracity"}
        self._messages = Counter("messages", "Messages taken from the broker.", ["feed"], **given)
        self._records = Counter("records", "Records, by what became of them.", ["feed", "outcome"], **given)
        self._left = Counter("messages_left", "Messages of feeds in trouble, each time.", ["feed"], **given)
        self._refused = Counter("messages_refused", "Messages turned away at the door.", ["reason"], **given)
        self._batches = Counter("batches", "Batches sealed.", ["feed"], **given)
        self._arrival = Histogram(
            "arrival_to_sealed_seconds", "From the broker to the sealed row.", buckets=_SECONDS, **given
        )
        self._seal = Histogram("seal_seconds", "Time to seal a batch.", buckets=_SECONDS, **given)
        self._bridged = Counter("bridge_messages", "Messages that came without QoS 1.", ["outcome"], **given)
        self._jobs = Counter("jobs", "Runs of scheduled jobs.", ["job", "outcome"], **given)
        # Gauges, since it is told what they are since the start of its process.
        live: dict[str, Any] = {**given, "labelnames": ["source"], "multiprocess_mode": "livemax"}
        self._source_asked = Gauge("source_asked", "Times a source was asked.", **live)
        self._source_failures = Gauge("source_failures", "Failures of a source in a row.", **live)
        self._source_records = Gauge("source_records", "Records that a source gave.", **live)
        self._source_ok = Gauge("source_success_timestamp_seconds", "When a source last did well.", **live)
        self._turn = Gauge(
            "worker_turn_timestamp_seconds",
            "When a worker last finished a turn.",
            ["worker"],
            multiprocess_mode="livemax",
            **given,
        )
        self._seen: dict[str, set[str]] = {}
        self._tracer = _tracer()

    def messages(self, feed: str, n: int = 1) -> None:
        """Count messages of a feed that were taken from the broker."""
        self._messages.labels(self._bounded("feed", feed)).inc(n)

    def left(self, feed: str, n: int) -> None:
        """Count messages that wait because their feed cannot be sealed: each time that they come."""
        self._left.labels(self._bounded("feed", feed)).inc(n)

    def records(self, feed: str, outcome: str, n: int) -> None:
        """Count records: ``accepted``, ``quarantined``, ``refused`` or ``duplicate``."""
        self._records.labels(self._bounded("feed", feed), self._bounded("outcome", outcome)).inc(n)

    def refused(self, reason: str, n: int = 1) -> None:
        """Count messages that were turned away at the door, by the code of the reason."""
        self._refused.labels(self._bounded("reason", reason)).inc(n)

    def sealed(self, feed: str, n_messages: int, n_records: int, seal_s: float) -> None:
        """Count a batch and how long its sealing took; trace it, where traces are asked for."""
        self._batches.labels(self._bounded("feed", feed)).inc()
        self._seal.observe(seal_s)
        if self._tracer is not None:
            ended_ns = time.time_ns()
            span = self._tracer.start_span("seal", start_time=ended_ns - round(seal_s * 1e9))
            span.set_attributes({"feed": feed, "n_messages": n_messages, "n_records": n_records})
            span.end(ended_ns)

    def waited(self, seconds: Sequence[float]) -> None:
        """Note how long each message took from the broker to the log."""
        for value in seconds:
            self._arrival.observe(value)

    def bridged(self, outcome: str) -> None:
        """Count a message that came without QoS 1: ``published``, ``lost`` or ``foreign``."""
        self._bridged.labels(self._bounded("bridged", outcome)).inc()

    def job(self, name: str, outcome: str) -> None:
        """Count a run of a scheduled job: ``done`` or ``failed``."""
        self._jobs.labels(self._bounded("job", name), self._bounded("outcome", outcome)).inc()

    def sources(self, statuses: "Sequence[SourceStatus]") -> None:
        """Note how each source does; a city has at most some hundred."""
        for status in statuses:
            name = self._bounded("source", status.name)
            self._source_asked.labels(name).set(status.asked)
            self._source_failures.labels(name).set(status.failures)
            self._source_records.labels(name).set(status.records)
            if status.ok_at is not None:
                self._source_ok.labels(name).set(status.ok_at.timestamp())

    def turned(self, now_s: float) -> None:
        """Say that this worker finished a turn, or began to work; ``now_s`` is Unix time."""
        self._turn.labels(self._process).set(now_s)

    def _bounded(self, kind: str, value: str) -> str:
        seen = self._seen.setdefault(kind, set())
        if value not in seen and len(seen) >= MAX_LABELS:
            return "other"
        seen.add(value)
        return value


class Gathered:
    """What all processes counted together, and what only this one knows: the broker and its own children."""

    def __init__(self, folder: Path) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge
        from prometheus_client.multiprocess import MultiProcessCollector

        self._counted = CollectorRegistry()
        MultiProcessCollector(self._counted, path=str(folder))  # type: ignore[no-untyped-call]
        self._folder = folder
        self._own = CollectorRegistry()
        given: dict[str, Any] = {"registry": self._own, "namespace": "veracity"}
        self.broker_up = Gauge("broker_up", "Whether the broker answers.", **given)
        self.waiting = Gauge(
            "waiting_messages", "Messages that no worker has had yet.", ["stream", "partition"], **given
        )
        self.held_bytes = Gauge("stream_bytes", "Bytes that a stream holds.", ["stream"], **given)
        self.limit_bytes = Gauge("stream_limit_bytes", "Bytes that a stream may hold.", ["stream"], **given)
        self.starts = Counter("process_starts", "Starts of a process of the city.", ["process"], **given)
        self.turned_away = Counter(
            "broker_refused", "Clients and messages that the broker turned away.", ["reason"], **given
        )

    def text(self) -> bytes:
        """Return everything, in the text format of Prometheus."""
        from prometheus_client import generate_latest

        return generate_latest(self._own) + generate_latest(self._counted)

    def last_turns(self) -> dict[str, float]:
        """Return when each worker that runs last finished a turn, Unix time, by its name."""
        name = "veracity_worker_turn_timestamp_seconds"
        return {
            sample.labels["worker"]: sample.value
            for family in self._counted.collect()
            for sample in family.samples
            if sample.name == name
        }

    def ended(self, pid: int) -> None:
        """Forget what a process that ended said of the present; what it counted stays."""
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, str(self._folder))  # type: ignore[no-untyped-call]


def _tracer() -> Any:
    """Return what makes spans, if the environment names where they go; else None, and load nothing."""
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return None
    from veracity.models.optional import need

    need("opentelemetry", "telemetry")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "veracity"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("veracity")
