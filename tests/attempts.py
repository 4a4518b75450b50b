"""Benches, examples and attempts made by hand."""

from typing import Any

from rlm_app.benches import Attempt, Bench, Measures
from rlm_app.examples import Example
from rlm_app.model import Question, RunConfig, Usage
from rlm_app.reports.results import Results, results_of

OUTCOMES = {"+": "right", "-": "wrong", "0": "no answer", "l": "limit", "e": "error", "c": "cancelled", ".": "waiting"}


def example_of(number: int, **others: Any) -> Example:
    """The example `x<number>`, whose key is A for even numbers and B for odd ones."""
    plain = {
        "id": f"x{number}",
        "question": Question(text="?", choices={"A": "a", "B": "b", "C": "c", "D": "d"}),
        "expected": "AB"[number % 2],
        "context": "f" * 64,
        "context_chars": 3_600 * 10**number if number < 5 else 36_000,
    }
    return Example(**{**plain, **others})


def bench_of(count: int, model: str = "lab/one", **others: Any) -> Bench:
    config = others.pop("config", {})
    plain = {
        "dataset": "d",
        "revision": "r",
        "split": "all",
        "config": RunConfig(model=model, **config),
        "examples": tuple(f"x{number}" for number in range(count)),
        "prompts": "p",
    }
    bench = Bench(**{**plain, **others})
    return bench if bench.id else bench.model_copy(update={"id": bench.key})


def attempt_of(bench: Bench, at: int, outcome: str = "+", epoch: int = 1, **others: Any) -> Attempt:
    """One attempt at the example `x<at>`; right ones predict the key, wrong ones C. `others` go where they belong."""
    usage = {"calls": 2, "tokens_in": 90, "tokens_out": 10, "cost": 0.5}
    usage |= {name: others.pop(name) for name in list(others) if name in Usage.model_fields}
    measures = {name: others.pop(name) for name in list(others) if name in Measures.model_fields}
    plain: dict[str, Any] = {
        "bench": bench.id,
        "example": f"x{at}",
        "epoch": epoch,
        "outcome": OUTCOMES[outcome],
        "run_id": f"{bench.id}-{at}-{epoch}",
        "predicted": {"+": "AB"[at % 2], "-": "C"}.get(outcome),
        "steps": 3,
        "seconds": 10.0,
        "usage": Usage(**usage),
        "measures": Measures(**measures),
    }
    return Attempt(**{**plain, **others})


def results(*stories: str, model: str = "lab/one", **others: Any) -> Results:
    """A bench told by the outcomes of each example's epochs, e.g. `results("++", "+-")`: two examples, two epochs."""
    bench = bench_of(len(stories), model, epochs=len(stories[0]), **others)
    attempts = [
        attempt_of(bench, number, outcome, epoch)
        for number, story in enumerate(stories)
        for epoch, outcome in enumerate(story, 1)
    ]
    (found,) = results_of([bench], attempts)
    return found
