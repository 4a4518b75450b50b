"""Faults that a test injects, and what the edge does about them."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

Tamper = Callable[[bytes], list[bytes]]


@dataclass
class Fault:
    """What happens to a request instead of, or besides, what should.

    Args:
        skip, times: leaves alone so many requests, then takes effect so often.
        delay: seconds before anything.
        status, message: answered instead.
        refuse: the connection is cut before anything is done.
        lose_answer: everything is done, then the connection is cut.
        cut_after: bytes of a response after which its connection is cut.
        stall_after: bytes of a response after which nothing comes any more, with the connection open.
        end_quietly: with `cut_after`, the response ends as if it were whole.
        tamper: what becomes of each piece of a process's output.
        cut_streams: the open streams of all processes are cut first.
    """

    skip: int = 0
    times: int = 1
    delay: float = 0
    status: int = 0
    message: str = "injected"
    refuse: bool = False
    lose_answer: bool = False
    cut_after: int | None = None
    stall_after: int | None = None
    end_quietly: bool = False
    tamper: Tamper | None = None
    cut_streams: bool = False

    def take(self) -> bool:
        """True if it is this request's turn."""
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0

    def answer(self) -> web.Response:
        return web.json_response({"code": self.status, "message": self.message}, status=self.status)


class Chaos:
    """Faults by the dice, for requests to a sandbox. `rate` is the share that is hit."""

    def __init__(self, seed: int, rate: float) -> None:
        self._dice, self._rate = random.Random(seed), rate
        self.dealt: dict[str, int] = {}

    def deal(self, where: str) -> Fault | None:
        dice = self._dice
        streams = where in {"process.Start", "process.Connect"}
        if dice.random() >= self._rate * (1 + streams):
            return None
        if streams:
            bytes_ = dice.randrange(0, 4000)
            kind, fault = dice.choice(
                [
                    ("cut", Fault(cut_after=bytes_)),
                    ("quiet end", Fault(cut_after=bytes_, end_quietly=True)),
                    ("502", Fault(status=502, message="bad gateway")),
                    ("stall", Fault(stall_after=bytes_)),
                    ("garbage", Fault(tamper=lambda data: [data[: len(data) // 2], b"\x00{garbage\n", data])),
                    ("repeat", Fault(tamper=lambda data: [data, data])),
                ]
            )
        else:
            kind, fault = dice.choice(
                [
                    ("502", Fault(status=502, message="bad gateway")),
                    ("503", Fault(status=503, message="try again")),
                    ("refused", Fault(refuse=True)),
                    ("lost answer", Fault(lose_answer=True)),
                    ("delay", Fault(delay=dice.random() / 5)),
                    ("cut of streams", Fault(cut_streams=True)),
                    ("cut of streams", Fault(cut_streams=True, lose_answer=True)),
                ]
            )
        self.dealt[kind] = self.dealt.get(kind, 0) + 1
        return fault
