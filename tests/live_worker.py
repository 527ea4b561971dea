"""A worker as a process of its own, at the small city's time.

``live_worker.py HOME NATS_URL LINGER_S [NAME]``

With a name it shares the partitions with others, else it takes all.
"""

import asyncio
import logging
import signal
import sys
from pathlib import Path

from small_city import clock
from veracity.home.live.limits import read_limits
from veracity.live.subjects import PARTITIONS
from veracity.live.worker import WorkerSettings, run_worker


async def _main(home: Path, url: str, linger_s: float, name: str | None) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    sys.stdout.write("working\n")
    sys.stdout.flush()
    settings = WorkerSettings(
        home,
        url,
        partitions=tuple(range(PARTITIONS)) if name is None else None,
        name=name or "worker",
        linger_s=linger_s,
        n_verifiers=0,
        limits=read_limits(home),
    )
    await run_worker(settings, stop, lambda turn: logging.info("sealed %d", turn.n_messages), clock)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(
        _main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)
    )
