"""Where the pages lie, and the links between them."""

from pathlib import Path

from rlm_app.model import Run

PAGES = Path(__file__).parents[2] / "pages"
ASK, RUN, HISTORY = PAGES / "ask.py", PAGES / "run.py", PAGES / "history.py"
SETTINGS = PAGES / "settings.py"
EXAMPLES, EXAMPLE = PAGES / "examples.py", PAGES / "example.py"
BENCHMARKS, COMPARE = PAGES / "benchmarks.py", PAGES / "compare.py"

MAX_LINK_CHARS = 2000  # a server refuses a request line of 64 kB, and one character may take nine bytes of it

Query = dict[str, str | list[str]]


def example_query(dataset: str, identity: str) -> Query:
    """Query of the page of one example."""
    return {"example": f"{dataset}/{identity}"}


def follow_up(run: Run) -> Query:
    """Query of the Ask page with the same part of the same repository, and no question yet."""
    selection = run.selection
    query: Query = {"source": run.source}
    if selection.ref:
        query["ref"] = selection.ref
    if selection.include:
        query["include"] = " ".join(selection.include)
    if selection.exclude:
        query["exclude"] = " ".join(selection.exclude)
    if selection.generated:
        query["generated"] = "true"
    return query


def again(run: Run) -> Query:
    """Query of the Ask page with everything as it was for this run; a very long question is left out."""
    config = run.config
    query = follow_up(run) | {
        "model": config.model,
        "max_steps": str(config.max_steps),
        "max_llm_calls": str(config.max_llm_calls),
        "max_seconds": f"{config.max_seconds:g}",
    }
    if config.sub_model and config.sub_model != config.model:
        query["sub_model"] = config.sub_model
    if config.on_limit != "answer":
        query["on_limit"] = config.on_limit
    if config.cache:
        query["cache"] = "true"
    if config.max_cost is not None:
        query["max_cost"] = f"{config.max_cost:g}"
    choices = "\n".join(run.question.choices.values())
    if len(run.question.text) + len(choices) <= MAX_LINK_CHARS:
        query["question"] = run.question.text
        if choices:
            query["choices"] = choices
    return query
