"""What a running city is to be: where it listens, what it runs."""

from dataclasses import dataclass, field
from pathlib import Path

from veracity.live.broker_config import Address, BrokerSettings
from veracity.live.simulated_clock import RunningClock

WORKER = "veracity.live.roles:worker"


@dataclass(frozen=True)
class UpSettings:
    """What is to run.

    Attributes
    ----------
    nats_url
        A broker that exists, instead of one of our own.
    n_workers
        Processes that seal; the partitions are shared out among them.
    http, monitor
        Where the city is served, if it is; and where health and metrics are. Port 0 takes a free one.
    public_url
        What readers write for ``http``, if not that; before what the home's server.yaml says.
    notify
        Where brokers of NGSI-LD send their notifications, if they do.
    announce
        The broker's address as gateways are told it, ``mqtts://host:port``; None to leave it to them.
    is_live
        Whether to ask the built-in sources: weather, air and rivers of Da Nang.
    seed
        Of the built-in city, if it is played; then ``clock`` is its time.
    """

    home: Path
    broker: BrokerSettings = field(default_factory=BrokerSettings)
    nats_url: str | None = None
    replicas: int = 1
    n_workers: int = 1
    http: Address | None = None
    public_url: str | None = None
    monitor: Address = ("127.0.0.1", 7881)
    notify: Address | None = None
    announce: str | None = None
    as_json: bool = False
    clock: RunningClock | None = None
    is_live: bool = False
    seed: int | None = None
    worker: str = WORKER  #: what a worker does: ``module:function``, as in ``child``
