"""A step that takes all memory fails with `MemoryError`; the worker lives on and tells it."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Callable
from typing import Any

SHARE = 0.85  # of what is free when the worker starts


def for_steps() -> int | None:
    """Bytes a step may take, so that the kernel need not end the process. None: unknown on this system."""
    try:
        with open("/proc/meminfo") as file:
            free = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}["MemAvailable"]
    except (OSError, ValueError, LookupError):
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    share = int(free * SHARE)
    return share if soft == resource.RLIM_INFINITY else min(soft, share)


def limit(size: int | None) -> None:
    """Limit this process to `size` bytes of data; None lifts the limit, so that the worker itself has room."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (hard if size is None else size, hard))


def patiently(function: Callable[..., Any], *args: Any) -> Any:
    """`function(*args)`, again for as long as the step at hand leaves it no memory."""
    while True:
        try:
            return function(*args)
        except MemoryError:
            time.sleep(0.05)
