"""Who works on a run, and whether they still live."""

import os
import socket

import psutil

CLOCK_SECONDS = 5.0  # a start is told from the clock, which may have been set by so much since then
DEAD_SECONDS = 60.0  # an owner on another machine that has not beaten for so long is taken for dead


def owner_name() -> str:
    """This process, told apart from one that had the same number before: `host/pid/start`."""
    return f"{socket.gethostname()}/{os.getpid()}/{int(psutil.Process().create_time())}"


def is_dead(owner: str, seconds: float) -> bool:
    """Whether the process `owner` names is gone; on another host, whether its last beat is too long ago."""
    host, pid, start = owner.split("/") if owner.count("/") == 2 else ("", "0", "0")
    if host != socket.gethostname():
        return seconds > DEAD_SECONDS
    try:
        process = psutil.Process(int(pid))
        another = abs(process.create_time() - int(start)) > CLOCK_SECONDS
        return another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return True
