"""E2B's control plane: sandboxes are opened, renewed, listed and ended here."""

import threading
import time
import uuid
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rlm_app.adapters.e2b import faults
from rlm_app.adapters.e2b.options import Options
from rlm_app.adapters.e2b.places import PLACES
from rlm_app.stop import Stop

MADE_BY = {"made_by": "rlm-app"}
RUN_TAG, START_TAG = "rlm_run", "rlm_start"

REQUEST_SECONDS = 20  # the SDK's transport waits up to twice as long
AMBIGUOUS_TRIES = 3
SWEEPS = (0.0, 2.0, 10.0)  # seconds after a create that failed and yet may have made a sandbox


def create(options: Options, run_id: str, deadline: float, stop: Stop) -> Any:
    """A new sandbox of the SDK, tagged; waits while the account is at a limit, until `deadline` of the monotonic clock.

    Raises:
        E2BUnavailable: one sentence that says what to do.
        RunError: the cause of `stop`, seen between requests.
    """
    if not options.key:
        raise faults.E2BUnavailable(faults.NO_KEY)
    start = uuid.uuid4().hex
    ambiguous, pause = 0, 0.25
    try:
        while True:
            try:
                return _create(options, {**MADE_BY, RUN_TAG: run_id, START_TAG: start})
            except Exception as error:
                ambiguous += faults.is_ambiguous(error)
                again = faults.is_busy(error) or (faults.is_ambiguous(error) and ambiguous < AMBIGUOUS_TRIES)
                if not again or time.monotonic() + pause > deadline:
                    raise _unavailable(error, options) from error
            stop.wait(pause)
            stop.check()
            pause = min(pause * 2, 8)
    except Exception:
        if ambiguous:
            threading.Thread(target=_sweep, args=(options, start), daemon=True).start()
        raise


def _create(options: Options, tags: dict[str, str]) -> Any:
    from e2b_code_interpreter import Sandbox

    return Sandbox.create(
        template=options.template,
        timeout=options.timeout,
        metadata=tags,
        allow_internet_access=options.allow_internet_access,
        network={"allow_public_traffic": False},
        idempotency_key=tags[START_TAG],
        **options.connection(request_timeout=REQUEST_SECONDS),
    )


def _unavailable(error: BaseException, options: Options) -> faults.E2BUnavailable:
    return faults.unavailable(error, template=options.template, api=options.api, keys=(options.key,))


def _sweep(options: Options, start: str) -> None:
    for seconds in SWEEPS:
        time.sleep(seconds)
        with suppress(Exception):
            for sandbox in _list(options, {START_TAG: start}):
                end(options, sandbox.sandbox_id)


def renew(options: Options, sandbox_id: str) -> None:
    """Begin the lease anew. Raises: whatever the SDK does."""
    from e2b_code_interpreter import Sandbox

    Sandbox.set_timeout(sandbox_id, options.timeout, **options.connection(request_timeout=REQUEST_SECONDS))


def end(options: Options, sandbox_id: str) -> bool:
    """Kill a sandbox; True if it is known to be gone. Otherwise its lease ends it."""
    from e2b_code_interpreter import Sandbox

    for attempt in range(4):
        time.sleep(0.2 * attempt)
        with suppress(Exception):
            Sandbox.kill(sandbox_id, **options.connection(request_timeout=5))
            return True
    return False


@dataclass(frozen=True)
class Leftover:
    """A sandbox that this project made, and no interpreter of this process uses. Times are UTC."""

    sandbox_id: str
    run_id: str
    started_at: datetime
    ends_at: datetime


def leftovers(*, keep: Collection[str] = (), **options: Any) -> list[Leftover]:
    """The sandboxes of this account that this project made and that no run in `keep` (ids of runs) uses.

    Args:
        options: as of `E2BInterpreter`; with `run_id`, only that run's.

    Raises:
        E2BUnavailable: the account cannot be asked; one sentence that says what to do.
    """
    chosen = Options(**options)
    if not chosen.key:
        raise faults.E2BUnavailable(faults.NO_KEY)
    tags = MADE_BY if chosen.run_id is None else {**MADE_BY, RUN_TAG: chosen.run_id}
    try:
        found = _list(chosen, tags)
    except Exception as error:
        raise _unavailable(error, chosen) from error
    listed = [Leftover(one.sandbox_id, one.metadata.get(RUN_TAG, ""), one.started_at, one.end_at) for one in found]
    return [one for one in listed if one.run_id not in keep and one.sandbox_id not in PLACES.held]


def kill_leftovers(*, keep: Collection[str] = (), **options: Any) -> list[Leftover]:
    """End what `leftovers` finds; returns those that are gone.

    Raises:
        E2BUnavailable: as `leftovers`.
    """
    chosen = Options(**options)
    return [one for one in leftovers(keep=keep, **options) if end(chosen, one.sandbox_id)]


def _list(options: Options, tags: dict[str, str]) -> list[Any]:
    from e2b import SandboxQuery
    from e2b_code_interpreter import Sandbox

    pages = Sandbox.list(query=SandboxQuery(metadata=tags), **options.connection(request_timeout=REQUEST_SECONDS))
    found: list[Any] = []
    while pages.has_next:
        found += pages.next_items()
    return found
