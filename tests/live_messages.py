"""Messages of a small city's gauges, as a broker would give them."""

from datetime import datetime, timedelta

from small_city import NOW, key
from veracity.home.live.arrivals import Arrival
from veracity.provenance.messages import sign_message

FEED = "rain"


def record(gauge: str, minute: int, rain: float | str = 0.4) -> bytes:
    """One reading as a gauge writes it: some minutes before now."""
    at = (NOW - timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
    value = f'"{rain}"' if isinstance(rain, str) else f"{rain}"
    return f'{{"gauge":"{gauge}","observed_at":"{at}","rain":{value}}}'.encode()


def bare(gauge: str, *records: bytes, feed: str = FEED, at: datetime = NOW) -> Arrival:
    """Records without a signature."""
    return Arrival(feed, gauge.lower(), b"\n".join(records), at)


def signed(gauge: str, *records: bytes, by: str | None = None, compress: bool = False) -> Arrival:
    """Records signed by the gauge's own key, or by that of another."""
    name = f"rain-office/{(by or gauge).lower()}"
    payload = sign_message(b"\n".join(records), list(records), FEED, name, key(name), compress=compress)
    return Arrival(FEED, gauge.lower(), payload, NOW)
