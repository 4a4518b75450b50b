"""Seconds a step with a 16 MB context, ours against dspy's own interpreters, and the memory of a whole run.

python -m tests.performance.bench_steps
"""

import logging
import resource
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import dspy
from rich.console import Console
from rich.table import Table

from rlm_app.model import RunConfig
from tests.corpora import corpus_of
from tests.scripted import ScriptedAction, ScriptedAnswerer, Told

STEPS = 20
LINE = "def handler_{0}(request, value={0}):  # registers a route for the blueprint\n    return request.get(value)\n"


def corpus(megabytes: int) -> Any:
    files = {}
    for number in range(megabytes * 10):
        body = "".join(LINE.format(number * 1000 + line) for line in range(1000))
        files[f"src/part{number % 40}/module_{number}.py"] = body[:100_000] + "\n"
    return corpus_of(files)


def ours(text: Any, code: str) -> tuple[float, float]:
    """(seconds of set-up, median seconds a step), the whole loop included."""
    answerer = ScriptedAnswerer([*[code] * STEPS, "SUBMIT(answer='x', citations=[])"])
    told = Told(config=RunConfig(model="scripted/model", max_steps=STEPS + 1))
    started = time.monotonic()
    told.answer(answerer, text)
    starts = [step.started for step in told.run.steps]
    whole = time.monotonic() - started
    gaps = [later - earlier for earlier, later in pairwise(starts)]
    return whole - sum(gaps), statistics.median(gaps)


def plain(factory: Callable[[], Any], text: Any, steps: int) -> tuple[float, float]:
    """The same with dspy.RLM as it comes."""
    rlm = dspy.RLM("context: str, question: str -> answer: str", interpreter_factory=factory, max_iters=steps + 1)
    action = ScriptedAction([*["print(len(context))"] * steps, "SUBMIT(answer='x')"])
    action.signature = rlm.generate_action.signature
    rlm.generate_action = action
    times: list[float] = []
    forward = action.forward
    action.forward = lambda **inputs: (times.append(time.monotonic()), forward(**inputs))[1]
    started = time.monotonic()
    rlm(context=text.text, question="?")
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return time.monotonic() - started - sum(gaps), statistics.median(gaps)


def main() -> None:
    logging.getLogger("dspy").setLevel(logging.ERROR)
    text = corpus(16)
    table = Table(title=f"A step with {len(text.text) / 1e6:.1f} MB bound, {len(text.files)} files")
    for column in ("", "set-up s", "step ms"):
        table.add_column(column, justify="left" if not column else "right")
    memory: list[float] = []
    for name, code in (
        ("rlm-app on Monty: empty step", "print(len(context))"),
        ("rlm-app on Monty: grep a word", "print(grep('handler_77')[:100])"),
        ("rlm-app on Monty: grep a pattern", r"print(grep(r'handler_\d+99\(')[:100])"),
        ("rlm-app on Monty: read 100 lines", "print(read('src/part3/module_3.py', 1, 100)[:100])"),
        ("rlm-app on Monty: outline", "print(outline('src/part3/module_3.py')[:100])"),
    ):
        set_up, step = ours(text, code)
        table.add_row(name, f"{set_up:.2f}", f"{1000 * step:.2f}")
        memory = [resource.getrusage(who).ru_maxrss / 1000 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    for name, factory, steps in (("dspy.RLM on LocalInterpreter", dspy.LocalInterpreter, 5),):
        set_up, step = plain(factory, text, steps)
        table.add_row(name, f"{set_up:.2f}", f"{1000 * step:.2f}")
    console = Console()
    console.print(table)
    console.print(f"Peak memory of ours: {memory[0]:.0f} MB here with dspy, {memory[1]:.0f} MB in the sandbox")


if __name__ == "__main__":
    main()
