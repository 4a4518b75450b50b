"""`rlm-app optimize`: have a model rewrite the task prompt until it answers more questions."""

from pathlib import Path
from typing import Annotated

import typer

from rlm_app.errors import InvalidConfig
from rlm_app.model import KEYLESS_MODEL


def optimize(
    dataset: Annotated[str, typer.Option(help="Whose questions are asked.")] = "stdlib",
    split: Annotated[str, typer.Option(help="Every other one is learned from, the rest decide.")] = "all",
    model: Annotated[str | None, typer.Option(help="Whose prompt is written; default: the model in force.")] = None,
    sub_model: Annotated[str | None, typer.Option(help="For llm_query.")] = None,
    reflection: Annotated[
        str | None, typer.Option(help="The model that writes it; a strong one. Default: --model.")
    ] = None,
    calls: Annotated[int, typer.Option(min=1, max=10_000, help="About so many questions are asked in all.")] = 60,
    max_cost: Annotated[float | None, typer.Option(help="USD a question.")] = None,
    seed: int = 0,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Questions at the same time.")] = 4,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Default: programs/ in the data folder.")
    ] = None,
) -> None:
    """Rewrite the task prompt with dspy's GEPA over a data set, and save the program for --program."""
    from rlm_app import library, wiring
    from rlm_app.optimizing import Plan

    here = wiring.app()
    program = library.as_dspy_program(here, model=model, sub_model=sub_model, max_cost=max_cost)
    chosen = here.config(model=model).model
    writer = reflection or chosen
    if KEYLESS_MODEL in (chosen, writer):
        raise InvalidConfig(f"Optimizing needs language models, and {KEYLESS_MODEL} is none; name one with --model.")
    questions = library.labelled(here, dataset, split)
    typer.echo(
        f"{len(questions)} questions of {dataset} ({split}); {chosen} answers, {writer} writes; about {calls} runs.",
        err=True,
    )
    plan = Plan(here.settings, writer, library.longbench_metric, calls, seed, workers)
    path = output or here.settings.home / "programs" / f"{dataset}-{seed}.json"
    found = wiring.optimize(program, questions, plan)
    path.parent.mkdir(parents=True, exist_ok=True)
    found.program.save(path)
    typer.echo(f"Right before: {found.before:.0%}, after: {found.after:.0%}, of the {found.n} questions that decide.")
    typer.echo(f"Saved. Use it: rlm-app ask … --program {path}")
