"""Benches of any size with plausible attempts, the same for the same seed."""

import random
import uuid

from rlm_app.benches import Attempt, Bench, Measures
from rlm_app.examples import Example
from rlm_app.model import Question, RunConfig, Usage

MODELS = ("lab/large", "lab/small", "keyless/bm25", "no-context/lab/large")


def seeded_examples(count: int, seed: int = 0) -> list[Example]:
    rng = random.Random(seed)
    return [
        Example(
            id=f"66ec{at:020x}",
            question=Question(text="Which?", choices={letter: f"choice {letter}" for letter in "ABCD"}),
            expected=rng.choice("ABCD"),
            context=f"{at:064x}",
            context_chars=round(10 ** rng.uniform(5, 7.2)),
            difficulty=rng.choice(["easy", "hard"]),
            length=rng.choice(["short", "medium", "long"]),
        )
        for at in range(count)
    ]


def seeded_bench(model: str, examples: list[Example], epochs: int = 1) -> tuple[Bench, list[Attempt]]:
    """A bench of these examples that has ended; larger models are right more often."""
    rng = random.Random(model)
    config = RunConfig(model=model)
    bench = Bench(
        dataset="longbench",
        revision="r",
        split="all",
        config=config,
        examples=tuple(e.id for e in examples),
        epochs=epochs,
        prompts="p",
    )
    bench = bench.model_copy(update={"id": bench.key})
    skill = {"lab/large": 0.62, "lab/small": 0.5, "keyless/bm25": 0.3}.get(model, 0.28)
    return bench, [
        _attempt(bench, example, epoch, skill, rng) for example in examples for epoch in range(1, epochs + 1)
    ]


def _attempt(bench: Bench, example: Example, epoch: int, skill: float, rng: random.Random) -> Attempt:
    outcome = rng.choices(("right", "wrong", "no answer", "limit", "error"), (skill, 0.95 - skill, 0.01, 0.02, 0.02))[0]
    steps = rng.randint(2, 15)
    calls = rng.randint(0, 12)
    cost = 0.0 if bench.config.model.startswith("keyless") else rng.lognormvariate(-2.5, 0.9)
    answered = outcome in ("right", "wrong")
    wrong = [letter for letter in "ABCD" if letter != example.expected]
    return Attempt(
        bench=bench.id,
        example=example.id,
        epoch=epoch,
        outcome=outcome,
        run_id=str(uuid.UUID(int=rng.getrandbits(128))),
        predicted=(example.expected if outcome == "right" else rng.choice(wrong)) if answered else None,
        steps=steps,
        seconds=rng.lognormvariate(4, 0.5),
        queue_seconds=rng.uniform(0, 30),
        usage=Usage(calls=steps + calls, tokens_in=steps * 4000, tokens_out=steps * 300, cost=cost),
        measures=Measures(
            sub_calls=calls,
            duplicate_sub_calls=rng.choice([0, 0, 0, 1]) if calls else 0,
            failed_steps=rng.choice([0, 0, 0, 1, 2]),
            root_seconds=rng.uniform(10, 60),
            sub_seconds=calls * rng.uniform(0.5, 3),
            sandbox_seconds=rng.uniform(1, 8),
            sub_tokens=calls * rng.randint(500, 9000),
            first_seen=rng.randint(1, steps) if answered else None,
            cost_after=cost * rng.uniform(0, 0.3),
            failed_step_cost=cost * rng.uniform(0, 0.1),
            coverage=min(rng.lognormvariate(-4, 1), 1.0),
        ),
    )
