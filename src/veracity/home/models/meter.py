"""What work takes of this machine: CPU seconds and memory."""

import time
import tracemalloc
from collections.abc import Callable


def meter(work: Callable[[], object]) -> tuple[float, int]:
    """Run work twice and return CPU seconds of the first run, and the peak of memory of the second, bytes.

    Twice, because watching memory costs time. What libraries take past Python's allocators (the trees of
    LightGBM while they answer) is not seen.
    """
    began = time.process_time()
    work()
    cpu_s = time.process_time() - began
    watched = tracemalloc.is_tracing()
    if not watched:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        work()
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not watched:
            tracemalloc.stop()
    return cpu_s, max(peak, 0)
