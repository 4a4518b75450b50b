"""A Dask cluster as the workers of a bench. The database says what is to be done; Dask only says where.

What goes over the wire are settings without keys, and the bench's id: never a context, a question or a key. Each worker
opens the store itself, by its own environment first (`RLM_APP_DATABASE_URL`, `RLM_APP_HOME`, the keys of providers).
"""

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from rlm_app.benches import Attempt, Bench
from rlm_app.errors import InvalidConfig, RlmAppError
from rlm_app.owners import is_dead
from rlm_app.ports import Benches
from rlm_app.settings import Settings, load_settings
from rlm_app.stop import Stop

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10
POLL_SECONDS = 0.25
SECRET = {"provider_keys", "e2b_api_key", "git_tokens", "sources"}
OWN = {"home": "RLM_APP_HOME", "database_url": "RLM_APP_DATABASE_URL"}
"""Settings that a worker's own environment decides where it names them: paths and passwords differ by machine."""

Job = Callable[[str, str], bool]
"""Called on a worker with settings and bench id: does the next attempt; False where none is to be had."""
Check = Callable[[str, str], str]
"""Called once on each worker: what hinders it, in one sentence; empty where nothing does."""


def packed(settings: Settings) -> str:
    """Settings for workers, as JSON without a key or a password."""
    told = settings.model_dump(mode="json", exclude=SECRET)
    url = urlsplit(settings.database_url)
    if url.password:
        told["database_url"] = url._replace(netloc=url.netloc.replace(f":{url.password}@", "@")).geturl()
    return json.dumps(told)


def unpacked(payload: str) -> Settings:
    """The settings on a worker: those sent; keys, folder and database from its own environment. Raises: UserError."""
    sent = json.loads(payload)
    return load_settings(**{name: value for name, value in sent.items() if not os.environ.get(OWN.get(name, ""))})


class ClusterCrew:
    """Works on a bench through a cluster, one job an attempt.

    The traps of Dask, and what is done about each: a scheduler that lost results runs jobs again, so a job only ever
    asks the database for what is left; a job whose worker died is not tried elsewhere by Dask but leased again; a
    thread cannot be cancelled, so whoever works looks at the bench's flag.
    """

    def __init__(self, address: str, benches: Benches, payload: str, job: Job, check: Check) -> None:
        self._address, self._benches, self._payload = address, benches, payload
        self._job, self._check = job, check

    def work(self, bench: Bench, stop: Stop) -> Literal["done", "budget", "stopped"]:
        """Do attempts until nothing is left to do.

        Raises:
            InvalidConfig: the cluster cannot be reached, has no workers, or a worker cannot reach the store.
            RlmAppError: what ended a job early.
        """
        with self._client() as client:
            self._prepare(client, bench)
            refused = 0
            for number in range(1_000_000):
                left = self._benches.attempts([bench.id])
                waiting = [attempt for attempt in left if attempt.outcome == "waiting"]
                running = [attempt for attempt in left if attempt.outcome == "running"]
                if not waiting and not running:
                    return "done"
                due = waiting + [attempt for attempt in running if self._came_free(attempt)]
                done = self._round(client, bench, due, number, stop)
                if stop.cause or self._benches.bench(bench.id).cancelled:
                    return "stopped"
                refused = refused + 1 if waiting and not running and not done and bench.max_cost else 0
                if refused > 1:
                    return "budget"
                if not done:
                    stop.wait(POLL_SECONDS)
        raise AssertionError("a bench has fewer rounds")

    def _came_free(self, attempt: Attempt) -> bool:
        """Whether a lease has lapsed, or its process on this machine has died and it need not be waited for."""
        if dead := is_dead(attempt.owner.rpartition("/")[0], 0.0):
            self._benches.release(attempt)
        return dead or attempt.lease_until < time.time()

    def _round(self, client: Any, bench: Bench, due: Sequence[Attempt], number: int, stop: Stop) -> int:
        """A job for each attempt that can be had; how many of them did one."""
        futures = [
            client.submit(self._job, self._payload, bench.id, key=f"{_name(attempt)}-r{number}", pure=False, retries=0)
            for attempt in due
        ]
        while any(not future.done() for future in futures):
            if stop.wait(POLL_SECONDS):
                self._benches.cancel(bench.id)  # which every worker looks at
                client.cancel([future for future in futures if future.status == "pending"])
                break
        return sum(_did(future) for future in futures)

    def _prepare(self, client: Any, bench: Bench) -> None:
        client.run_on_scheduler(_never_again)
        hosts = client.run(socket.gethostname)
        if not hosts:
            raise InvalidConfig(
                f"The cluster {self._address} has no workers yet; start some with: dask worker {self._address}"
            )
        sent = json.loads(self._payload)
        on_file = not sent["database_url"] or sent["database_url"].startswith("sqlite")
        if on_file and set(hosts.values()) != {socket.gethostname()}:
            raise InvalidConfig(
                "Workers on other machines need PostgreSQL: set RLM_APP_DATABASE_URL to its address here and there."
            )
        try:
            hindrances = client.run(self._check, self._payload, bench.id)
        except Exception as error:  # whatever came of unpacking a function of ours there
            raise InvalidConfig(
                f"The workers of {self._address} cannot run rlm-app ({type(error).__name__}); "
                "install this version of it there, with the same Python."
            ) from error
        for worker, hindrance in hindrances.items():
            if hindrance:
                raise InvalidConfig(f"The worker {worker} cannot work on this bench: {hindrance}")

    @contextmanager
    def _client(self) -> Iterator[Any]:
        try:
            from distributed import Client
        except ImportError:
            raise InvalidConfig(
                'A cluster needs the package distributed; install it with: pip install "rlm-app[cluster]"'
            ) from None
        try:
            client = Client(self._address, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError):
            raise InvalidConfig(
                f"The cluster {self._address} cannot be reached; start one with `dask scheduler`, or check the address."
            ) from None
        try:
            yield client
        finally:
            with contextlib.suppress(Exception):
                client.close(timeout=5)


def _name(attempt: Attempt) -> str:
    return f"{attempt.bench}-{attempt.example}-{attempt.epoch}-{attempt.number}"


def _did(future: Any) -> bool:
    """Whether a job did an attempt. Raises: RlmAppError, what ended it early."""
    if future.status == "finished":
        return bool(future.result())
    error = future.exception(timeout=1) if future.status == "error" else None
    if isinstance(error, RlmAppError):
        raise error
    if error is not None:
        log.warning("a job of the cluster was lost: %s", error)  # its lease lapses, and another round takes it
    return False


def _never_again(dask_scheduler: Any) -> None:
    """A job whose worker died is ours to try again: the scheduler would begin at once, beside a lease that stands."""
    dask_scheduler.allowed_failures = 0
