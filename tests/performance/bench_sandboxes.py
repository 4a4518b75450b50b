"""What a sandbox costs: start, 16 MB bound, an empty step, a tool call; Monty and Pyodide side by side.

python -m tests.performance.bench_sandboxes
"""

import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from rlm_app.adapters import sandboxes
from rlm_app.adapters.traced import Interpreter, Steps, TracedSandbox
from rlm_app.codebase import Corpus
from rlm_app.errors import SandboxUnavailable
from rlm_app.model import RunConfig
from rlm_app.settings import Settings
from tests.performance.bench_steps import corpus
from tests.scripted import Told

MEGABYTES, STEPS, CALLS = 16, 20, 200


def milliseconds(action: Callable[[], object]) -> float:
    started = time.monotonic()
    action()
    return 1000 * (time.monotonic() - started)


def make(kind: str) -> Interpreter:
    return sandboxes.make(RunConfig(sandbox=kind), Settings(_env_file=None), run_id="bench")


def start(kind: str) -> float:
    """Median of three starts, the first step included."""

    def once() -> float:
        sandbox = make(kind)
        try:
            return milliseconds(lambda: sandbox.execute("1"))
        finally:
            sandbox.shutdown()

    return statistics.median(once() for _ in range(3))


def measure(kind: str, text: Corpus) -> dict[str, float]:
    """Milliseconds of each, through the wrapper that the app uses."""
    found = {"start": start(kind)}
    told, inner = Told(), make(kind)
    inner.tools["echo"] = lambda value: value
    sandbox = TracedSandbox(inner, kind, text, Steps(told.emit), told.context)
    try:
        inner.execute("1")
        found[f"corpus of {len(text.text) / 1e6:.1f} MB and toolkit bound"] = milliseconds(sandbox.start)
        inputs = {"context": text.text, "question": "?"}
        sandbox.execute("1", inputs)
        steps = [milliseconds(lambda: sandbox.execute("1", inputs)) for _ in range(STEPS)]
        found["empty step with it bound"] = statistics.median(steps)
        loop = f"for n in range({CALLS}):\n    echo(n)"
        found["tool call"] = milliseconds(lambda: sandbox.execute(loop)) / CALLS
        big = f"for n in range(10):\n    echo('x' * {500_000})"
        found["tool call with 500 kB, there and back"] = milliseconds(lambda: sandbox.execute(big)) / 10
    finally:
        sandbox.shutdown()
    return found


def main() -> None:
    text = corpus(MEGABYTES)
    results: dict[str, dict[str, float]] = {}
    console = Console()
    for kind in ("monty", "pyodide"):
        try:
            results[kind] = measure(kind, text)
        except SandboxUnavailable as error:
            console.print(f"{kind}: {error}")
    table = Table(title="Milliseconds")
    for column in ("", *results):
        table.add_column(column, justify="right" if column else "left")
    for row in next(iter(results.values())):
        table.add_row(row, *(f"{found[row]:,.2f}" for found in results.values()))
    console.print(table)


if __name__ == "__main__":
    main()
