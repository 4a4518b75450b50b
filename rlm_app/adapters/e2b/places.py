"""How many sandboxes this process has open, and which."""

import threading
import time

from rlm_app.adapters.e2b.faults import E2BUnavailable
from rlm_app.stop import Stop


class Places:
    """A place for each sandbox that is open or about to be; `held` are the ids of those that are."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.taken = 0
        self.held: set[str] = set()

    def take(self, limit: int, deadline: float, stop: Stop) -> None:
        """Wait for a place until `deadline`, of the monotonic clock.

        Raises:
            E2BUnavailable: all places stayed taken.
            RunError: the cause of `stop`.
        """
        with stop.calling(self._notify), self._changed:
            while self.taken >= limit:
                stop.check()
                left = deadline - time.monotonic()
                if left <= 0:
                    raise E2BUnavailable(
                        f"All {limit} places for sandboxes of this process stayed taken: wait for other runs to end, "
                        "or raise the limit of sandboxes open at once."
                    )
                self._changed.wait(left)
            stop.check()
            self.taken += 1

    def give(self) -> None:
        with self._changed:
            self.taken -= 1
            self._changed.notify_all()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


PLACES = Places()
