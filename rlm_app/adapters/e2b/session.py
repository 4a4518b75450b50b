"""A sandbox that is open: its start, its steps, its lease and its end."""

import atexit
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from rlm_app.adapters.e2b import cloud, faults, remote
from rlm_app.adapters.e2b.calls import Answers, HostCalls, Tool
from rlm_app.adapters.e2b.faults import E2BLost, E2BUnavailable
from rlm_app.adapters.e2b.frames import Broken, Frame, end_of_step
from rlm_app.adapters.e2b.inputs import Inputs
from rlm_app.adapters.e2b.link import Link, Pace
from rlm_app.adapters.e2b.options import Options
from rlm_app.adapters.e2b.places import PLACES
from rlm_app.adapters.traced import KEPT_HEAD, KEPT_TAIL
from rlm_app.stop import Stop

UPLOAD_TRIES = 3

_live: set["Session"] = set()


class Session:
    """One sandbox from its start to its end.

    `stop` is its end too: all that waits here raises its cause at once. Methods that reach the network are called
    through `Stop.call`, so that they can be abandoned.
    """

    def __init__(self, options: Options, pace: Pace, stop: Stop) -> None:
        self._options, self._pace, self._stop = options, pace, stop
        self._run_id = options.run_id or uuid.uuid4().hex
        self._changed = threading.Condition()
        self._ending = threading.Lock()
        self._opening = False
        self._sandbox: Any = None
        self._ready = False
        self._step = 0
        self._running = False
        self._done: Frame | None = None
        self.aborted: BaseException | None = None
        self.sandbox_id: str | None = None
        self.started_at: float | None = None
        self.ended_at: float | None = None

    def start(self) -> None:
        """Open a sandbox and start the worker in it.

        Raises:
            E2BUnavailable: one sentence that says what to do.
            RunError: the cause of `stop`.
        """
        seconds = self._options.start_seconds
        late = E2BUnavailable(
            f"E2B had no sandbox ready within {seconds:g} seconds: see https://status.e2b.dev, and try again."
        )
        timer = threading.Timer(seconds + 0.2, self._stop.request, args=(late,))
        timer.daemon = True
        timer.start()
        try:
            self._stop.call(lambda: self._open(time.monotonic() + seconds))
            self._wait(None, lambda: self._ready)
        except E2BLost as error:
            raise faults.unavailable(error, template=self._options.template, api=self._options.api) from error
        finally:
            timer.cancel()

    def _open(self, deadline: float) -> None:
        self._opening = True
        try:
            PLACES.take(self._options.max_open_sandboxes, deadline, self._stop)
            try:
                sandbox = cloud.create(self._options, self._run_id, deadline, self._stop)
            except BaseException:
                PLACES.give()
                raise
            self._sandbox, self.sandbox_id, self.started_at = sandbox, sandbox.sandbox_id, time.time()
            PLACES.held.add(sandbox.sandbox_id)
            _remember(self)
        finally:
            self._opening = False
            if self._stop.cause is not None:
                self.end()
        self._stop.check()
        self._connect(sandbox)

    def _connect(self, sandbox: Any) -> None:
        options = self._options
        self._remote = remote.Remote(sandbox, self._stop, self._pace.mend)
        self._link = Link(self._remote, self._stop, self._pace, self._take, self._notify)
        self._answers = Answers(self._send_answers)
        self._calls = HostCalls(
            options.max_concurrent_calls, self._remote.body, self._answers.put, self._notify, self._abort
        )
        self._inputs = Inputs(self._remote.upload)
        threading.Thread(target=self._keep, args=(sandbox.sandbox_id,), daemon=True).start()
        self._remote.upload(remote.WORKER, remote.worker_archive())
        if options.files:
            self._remote.upload(remote.ARCHIVE, remote.files_archive(options.files))
        settings = remote.worker_settings(
            head=KEPT_HEAD, tail=KEPT_TAIL, max_open=self._calls.max_open, archive=bool(options.files)
        )
        self._link.follow(self._remote.launch(settings))

    def run(self, code: str, variables: Mapping[str, Any], tools: Mapping[str, Tool], fields: Any) -> dict[str, Any]:
        """Run one step and return what the worker says of it: `kind`, `output`, and `value` or `error`.

        Raises:
            E2BLost: the sandbox died or broke the protocol.
            RunError: the cause of `stop`.
            TypeError, ValueError: a variable has no JSON.
        """
        request = {"code": code, "tools": list(tools), "fields": fields}
        try:
            for _ in range(UPLOAD_TRIES):
                self._running = True
                self._calls.begin(tools)
                done = self._exchange(request, variables)
                if done["kind"] != "missing":
                    return done
                self._inputs.forget(done["value"])
            raise self._lose("The sandbox does not keep the inputs it is given, so it was ended.")
        finally:
            self._running = False
            self._calls.end()

    def _exchange(self, request: dict[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        self._step += 1
        self._done = None
        self._link.begin_step()

        def send() -> None:
            told = {"step": self._step, **request, "inputs": self._inputs.place(variables)}
            self._link.send("exec", json.dumps(told))

        self._stop.call(send)
        self._await_done()
        frame = self._done
        assert frame is not None
        try:
            return end_of_step(self._stop.call(lambda: self._remote.body(frame)) if frame.name else frame.body)
        except Broken as error:
            raise self._lose(f"The sandbox broke its protocol with {error}, so it was ended.") from None

    def _await_done(self) -> None:
        """Wait for the step; past its time interrupt it, and end the sandbox if that does not help."""
        limit = self._options.step_seconds
        if self._wait(limit, self._is_done):
            return
        step = self._step
        self._calls.end()  # so that no thread of the step can stop the clock by calling on
        self._stop.call(lambda: self._link.send("interrupt", json.dumps({"step": step})))
        if not self._wait(self._pace.grace, self._is_done):
            raise self._lose(
                f"A step ran over {limit:g} seconds and could not be interrupted, so the sandbox was ended."
            )

    def _is_done(self) -> bool:
        if self._done is not None:
            self._calls.end()
        return self._done is not None and not self._calls.open

    def _wait(self, seconds: float | None, done: Callable[[], bool]) -> bool:
        """Wait until `done`; False after `seconds`, which stand still while a host tool runs or the line is down."""
        with self._stop.calling(self._notify), self._changed:
            while not done():
                self._stop.check()
                ticking = seconds is not None and not (self._done or self._calls.open or self._link.down)
                if ticking and seconds is not None and seconds <= 0:
                    return False
                since = time.monotonic()
                self._changed.wait(seconds if ticking else None)
                if ticking and seconds is not None:
                    seconds -= time.monotonic() - since
            return True

    def _take(self, frame: Frame) -> None:
        if frame.kind == "call":
            self._calls.take(frame)
            return
        if frame.kind == "ready":
            self._ready = True
        elif frame.number == self._step:
            self._done = frame
        self._notify()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _send_answers(self, body: str) -> None:
        with suppress(Exception):  # `send` has requested the stop
            self._link.send("answers", body)

    def _abort(self, error: BaseException) -> None:
        self.aborted = error
        self._lose("A tool of the host was interrupted, so the sandbox was ended.")

    def _lose(self, sentence: str) -> E2BLost:
        error = E2BLost(sentence)
        self._stop.request(error)
        return error

    def _keep(self, sandbox_id: str) -> None:
        """Renew the lease, and watch the line while a step runs, until the end."""
        from e2b.exceptions import NotFoundException

        due = time.monotonic() + self._options.timeout / 3
        while not self._stop.wait(self._pace.tick):
            try:
                if self._running:
                    self._link.watch()
                if time.monotonic() >= due:
                    cloud.renew(self._options, sandbox_id)
                    due = time.monotonic() + self._options.timeout / 3
            except NotFoundException as error:
                self._stop.request(faults.lost(error))
            except Exception:  # asked again soon; the lease lasts two thirds longer
                due = time.monotonic() + min(5, self._options.timeout / 10)

    def end(self) -> None:
        """End the sandbox, if there is one; returns when it is gone, or could not be reached."""
        with self._ending:
            sandbox, self._sandbox = self._sandbox, None
            if sandbox is None:
                return
            with suppress(AttributeError):
                self._answers.close()
            cloud.end(self._options, sandbox.sandbox_id)
            self.ended_at = time.time()
            PLACES.held.discard(sandbox.sandbox_id)
            PLACES.give()
            _live.discard(self)

    def wait_for_opening(self, seconds: float) -> None:
        """Give a start that was abandoned time to clean up after itself."""
        deadline = time.monotonic() + seconds
        while self._opening and time.monotonic() < deadline:
            time.sleep(0.05)


def _remember(session: Session) -> None:
    """Have the sandbox ended when this process ends and nobody has done it."""
    if not _live:
        atexit.unregister(_end_all)
        atexit.register(_end_all)
    _live.add(session)


def _end_all() -> None:
    for session in list(_live):
        session.end()
