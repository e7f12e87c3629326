"""Spread work over threads that end with the call."""

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
    """Call ``work`` with each item, on as many threads as this process has CPUs, the caller's thread included.

    No thread is kept for the next call: a pool would have to survive a fork and the exit of the interpreter.
    """
    waiting = deque(items)
    # A draw may overflow to infinity; this is no reason to warn.
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
    """Return the number of threads: the environment variable if set, else the CPUs of this process."""
    asked = os.environ.get(VARIABLE, "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise ValueError(f"the environment variable {VARIABLE} must be a positive integer, got {asked!r}")
        return int(asked)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # Threads beyond the quota would run for a part of each period, and wait for the rest.
    return min(cpus, quota() or cpus)


def _next(waiting: deque[T]) -> T | None:
    # Checking for an item first would let another thread take the item in between.
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
            # The platform has no threads, or no more threads.
            break
        threads.append(thread)
    return threads
