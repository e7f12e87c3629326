"""Work spread over threads that live no longer than the call."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from arrayinit.kernels.quota import quota

T = TypeVar("T")

VARIABLE = "ARRAYINIT_NUM_THREADS"


def spread(work: Callable[[T], None], items: Iterable[T]) -> None:
    """Call ``work`` with each item, on as many threads as there are CPUs for this process, the caller's included.

    None is kept for the next call: a pool would have to survive a fork and the end of the interpreter.
    """
    waiting = deque(items)
    # Overflow to infinity is what a dtype does, and is no reason to warn.
    if len(waiting) == 1:
        with np.errstate(all="ignore"):
            work(waiting[0])
        return
    failures: list[BaseException] = []

    def drain() -> None:
        with np.errstate(all="ignore"):
            try:
                while (item := _next(waiting)) is not None:
                    work(item)
            except BaseException as failure:  # noqa: BLE001
                waiting.clear()
                failures.append(failure)

    threads = _start(drain, min(count(), len(waiting)) - 1)
    drain()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def count() -> int:
    """Return the number of threads to use: as asked, or as many as there are CPUs for this process."""
    asked = os.environ.get(VARIABLE, "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"the environment variable {VARIABLE} must be a positive integer, got {asked!r}")
        return int(asked)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # More threads than the quota would run for a part of each period, and wait for the rest.
    return min(cpus, quota() or cpus)


def _next(waiting: deque[T]) -> T | None:
    # Asking whether one is left first would leave time for another thread to take it.
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _start(target: Callable[[], None], number: int) -> list[threading.Thread]:
    threads = []
    for _ in range(number):
        thread = threading.Thread(target=target, name="arrayinit", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The platform has no threads, or no more of them.
            break
        threads.append(thread)
    return threads
