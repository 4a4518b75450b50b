"""The line to the worker: each frame is handed on once, each message taken once, whatever the network does."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from rlm_app.adapters.e2b import faults
from rlm_app.adapters.e2b.faults import E2BLost
from rlm_app.adapters.e2b.frames import Broken, Damaged, Frame, Inbox
from rlm_app.adapters.e2b.remote import Remote
from rlm_app.errors import RunError
from rlm_app.stop import Stop

INLINE_MESSAGE = 256 << 10  # characters of a message that goes by stdin; beyond, by a file
MAX_BREAKS = 200  # of the stream in one step


@dataclass(frozen=True)
class Pace:
    """Seconds that the line waits.

    Args:
        silence: before a worker that says nothing is asked whether it is there; doubled each time it is, up to 30.
        answer: for that answer, after which the stream is taken up anew.
        mend: how long a request or a broken stream is tried again.
        grace: after an interrupt, before the sandbox is ended.
        tick: between two looks at lease and silence.
    """

    silence: float = 2
    answer: float = 3
    mend: float = 60
    grace: float = 3
    tick: float = 1


class Superseded(Exception):
    """A stream that was given up says something after all."""


class Link:
    """Follows the worker's stream in a thread of its own, and mends it.

    Args:
        hand_on: called with each frame, in order, in the thread that reads.
        changed: called after `down` has changed.
    """

    def __init__(
        self, remote: Remote, stop: Stop, pace: Pace, hand_on: Callable[[Frame], None], changed: Callable[[], None]
    ) -> None:
        self._remote, self._stop, self._pace = remote, stop, pace
        self._hand_on, self._changed = hand_on, changed
        self._inbox = Inbox()
        self._sending, self._hearing = threading.Lock(), threading.Lock()
        self._messages = self._turn = self._marks = 0
        self.breaks = 0
        self.down = False
        self._heard = time.monotonic()
        self._asked: float | None = None
        self._silence = pace.silence

    def follow(self, handle: Any) -> None:
        """Begin to read the stream of a handle; None takes it up anew."""
        with self._hearing:
            self._turn += 1
        threading.Thread(target=self._read, args=(handle, self._turn), daemon=True).start()

    def send(self, kind: str, body: str) -> None:
        """Send a message; `body` is JSON.

        Raises:
            E2BLost: it could not be sent, and `stop` is requested with that.
            RunError: the cause of `stop`.
        """
        with self._sending:
            self._messages += 1
            number = self._messages
            try:
                content = f'"body":{body}'
                if len(body) > INLINE_MESSAGE:
                    content = f'"file":{json.dumps(self._remote.upload(f"message-{number}", body.encode()))}'
                newest = self._inbox.newest
                self._remote.send(f'\n{{"m":{number},"a":{newest},"t":"{kind}",{content}}}\n')
            except RunError as error:
                self._stop.request(error)
                raise

    def begin_step(self) -> None:
        self.breaks, self._silence, self._asked = 0, self._pace.silence, None
        self._heard = time.monotonic()

    def watch(self) -> None:
        """Ask a worker that is silent whether it is there; take the stream up anew if it does not say so."""
        now = time.monotonic()
        if self.down:
            return
        if self._asked is None:
            if now - self._heard > self._silence:
                self._silence = min(self._silence * 2, 30)
                self._marks += 1
                self.send("hello", json.dumps({"mark": self._marks}))
                self._asked = time.monotonic()
        elif self._heard > self._asked:
            self._asked = None
        elif now - self._asked > self._pace.answer:
            self._asked, self._heard = None, now
            self.follow(None)

    def _read(self, handle: Any, turn: int) -> None:
        try:
            while True:
                if handle is None:
                    handle = self._attach(turn)
                with suppress(Damaged):
                    self._listen(handle, turn)
                handle = None
        except Superseded:
            return
        except Broken as error:
            self._stop.request(E2BLost(f"The sandbox broke its protocol with {error}, so it was ended."))
        except RunError as error:
            self._stop.request(error)

    def _listen(self, handle: Any, turn: int) -> None:
        """Read until the stream ends.

        Raises:
            E2BLost: the worker or the sandbox has ended.
        """
        from e2b import CommandExitException

        try:
            handle.wait(on_stdout=lambda text: self._hear(text, turn))
        except (Superseded, Broken, Damaged):
            raise
        except CommandExitException as error:
            raise E2BLost(_ended(error)) from None
        except Exception as error:
            if faults.is_gone(error):
                raise faults.lost(error) from error
            return
        finally:
            with suppress(Exception):
                handle.disconnect()
        raise E2BLost(faults.ENDED)

    def _hear(self, text: str, turn: int) -> None:
        with self._hearing:
            if turn != self._turn:
                raise Superseded
            self._heard = time.monotonic()
            for frame in self._inbox.feed(text):
                self._hand_on(frame)

    def _attach(self, turn: int) -> Any:
        """A new stream, from whose mark on all is heard."""
        self._set_down(True)
        deadline, pause = time.monotonic() + self._pace.mend, 0.05
        while True:
            self._stop.check()
            if turn != self._turn:
                raise Superseded
            self.breaks += 1
            if self.breaks > MAX_BREAKS:
                raise E2BLost(f"The line to the sandbox broke {MAX_BREAKS} times in one step; run it again.")
            try:
                handle = self._remote.attach()
                break
            except Exception as error:
                if faults.is_gone(error) or time.monotonic() + pause > deadline:
                    raise faults.lost(error) from error
            self._stop.wait(pause)
            pause = min(pause * 2, 3)
        with self._hearing:
            self._marks += 1
            mark = self._marks
            self._inbox.await_replay(mark)
        self.send("hello", json.dumps({"mark": mark}))
        self._heard, self._asked = time.monotonic(), None
        self._set_down(False)
        return handle

    def _set_down(self, down: bool) -> None:
        self.down = down
        self._changed()


def _ended(error: Any) -> str:
    if error.exit_code == 127:
        return "The sandbox has no python3: use a template that has."
    how = error.error or f"exit status {error.exit_code}"
    return faults.ENDED.replace("ended:", f"ended ({how}):")
