"""What the E2B bridge costs, by the real SDK against the local server, with and without a round trip to the cloud.

python -m tests.performance.bench_e2b

E2B's own time to open a sandbox is not in it: locally that is the start of one Python process.
"""

import os
import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from rlm_app.adapters.e2b import E2BInterpreter
from tests.e2b_server import E2BServer

CONTEXT = "def handler(request):  # registers a route\n" * 380_000
ROUNDS = 40


def median(function: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def figures(latency: float) -> dict[str, float]:
    """Milliseconds for each thing that a run does, and how many uploads that took."""
    with E2BServer(latency) as server:
        os.environ |= server.environment
        interpreter = E2BInterpreter(tools={"ask": lambda n: n, "batch": lambda prompts: [p[:9] for p in prompts]})
        times = {"start": median(interpreter.start, 1)}
        interpreter.execute("1")
        times["empty step"] = median(lambda: interpreter.execute("1"))
        inputs = {"context": CONTEXT}
        times["first step with 16 MB"] = median(lambda: interpreter.execute("len(context)", inputs), 1)
        times["step with 16 MB bound"] = median(lambda: interpreter.execute("len(context)", inputs))
        calls = median(lambda: interpreter.execute("for n in range(20): ask(n)"), 5)
        times["tool call"] = (calls - times["empty step"]) / 20
        prompts = "batch(['x' * 500_000 + str(n) for n in range(50)])\nNone"
        times["batch of 50 x 500 kB"] = median(lambda: interpreter.execute(prompts), 5)
        times["print of 100 MB"] = median(lambda: interpreter.execute("print('x' * 100_000_000)"), 3)
        times["shutdown"] = median(interpreter.shutdown, 1)
        times["uploads, with the worker"] = server.requests["files.write"]
        return times


def main() -> None:
    figures(0)  # the SDK is imported and its connections are made once a process
    near, far = figures(0), figures(0.1)
    table = Table(title=f"E2B over a local server; context {len(CONTEXT) / 1e6:.1f} MB")
    for column in ("milliseconds", "at once", "100 ms away", "beyond the round trip"):
        table.add_column(column, justify="left" if column == "milliseconds" else "right")
    for name, value in near.items():
        once = name in {"empty step", "step with 16 MB bound", "tool call"}
        table.add_row(name, f"{value:.1f}", f"{far[name]:.1f}", f"{far[name] - 100:.1f}" if once else "")
    Console().print(table)


if __name__ == "__main__":
    main()
