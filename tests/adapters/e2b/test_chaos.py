"""300 calls from 8 threads while requests fail and streams break at random: each runs once, and nothing is left."""

import threading
import time
from collections import Counter

import pytest

from tests.adapters.e2b.conftest import Open
from tests.e2b_server import E2BServer
from tests.e2b_server.faults import Chaos

STEP = """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    got = list(pool.map(ask, range({first}, {last})))
ran = globals().get("ran", 0) + 1
print(ran, got == [2 * n for n in range({first}, {last})], len(context))
"""
CALLS, STEPS = 300, 10


def soak(server: E2BServer, open_interpreter: Open, seed: int) -> Chaos:
    seen: Counter[int] = Counter()
    lock = threading.Lock()

    def ask(n: int) -> int:
        with lock:
            seen[n] += 1
        time.sleep(0.002)
        return 2 * n

    context = "c" * 200_000
    chaos = server.chaos = Chaos(seed, rate=0.2)
    interpreter = open_interpreter(tools={"ask": ask}, run_id=f"soak-{seed}")
    for step in range(STEPS):
        size = CALLS // STEPS
        code = STEP.format(first=step * size, last=(step + 1) * size)
        assert interpreter.execute(code, {"context": context}) == f"{step + 1} True 200000"
    server.chaos = None
    interpreter.shutdown()
    assert seen == Counter(range(CALLS))
    assert server.control.created == 1
    assert server.wait_until_empty()
    return chaos


def test_a_short_soak(server: E2BServer, open_interpreter: Open) -> None:
    chaos = soak(server, open_interpreter, seed=20)
    assert sum(chaos.dealt.values()) >= 15
    assert server.requests["process.Connect"] >= 3


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_soaks(server: E2BServer, open_interpreter: Open, seed: int) -> None:
    soak(server, open_interpreter, seed)


@pytest.mark.slow
def test_a_soak_over_a_long_way(server: E2BServer, open_interpreter: Open) -> None:
    server.latency = 0.1
    soak(server, open_interpreter, seed=100)
