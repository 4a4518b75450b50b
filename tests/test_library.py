"""The whole path as dspy users take it, over a real store."""

from pathlib import Path
from typing import Any

import dspy
import pytest

import rlm_app
from rlm_app import library, prompts
from rlm_app.errors import InvalidConfig
from rlm_app.wiring import open_app
from tests.scripted import settings_at

TEXT = "def parse_cookie(header):\n    return dict(header)\n\n\nclass Request:\n    pass\n"


@pytest.fixture
def here(tmp_path: Path):
    return open_app(settings_at(tmp_path))


def test_a_program_answers_and_stores_its_run(here) -> None:
    program = library.as_dspy_program(here, model="keyless/bm25")
    found = program(context=TEXT, question="Which function parses a cookie?")
    assert "parse_cookie" in found.answer
    assert found.status == "answered"
    assert here.run(found.run_id).keyless


def test_the_prompt_in_force_is_the_one_that_is_optimized_and_each_run_keeps_its_own(here, tmp_path: Path) -> None:
    mine = library.as_dspy_program(here, model="keyless/bm25", program="Look {twice} first.")
    assert mine.explore.signature.instructions == "Look {twice} first."
    mine.explore.signature = mine.explore.signature.with_instructions("Look thrice.")
    run = here.run(mine(context=TEXT, question="Which function parses a cookie?").run_id)
    assert run.config.program == "Look thrice."
    assert dict(run.versions)["prompts"] == prompts.version("Look thrice.")
    ours = library.as_dspy_program(here, model="keyless/bm25")
    assert here.run(ours(context=TEXT, question="Which function?").run_id).config.program == ""
    mine.explore.signature = mine.explore.signature.with_instructions("x" * 60_000)
    with pytest.raises(InvalidConfig, match="50,000"):
        mine(context=TEXT, question="Which function?")


def test_evaluate_with_the_metric(here) -> None:
    choices = {"A": "parse_cookie", "B": "Request"}
    example = dspy.Example(context=TEXT, question="Which function parses a cookie?", choices=choices, answer="A")
    program = library.as_dspy_program(here, model="keyless/bm25")
    devset = [example.with_inputs("context", "question", "choices")]
    assert dspy.Evaluate(devset=devset, metric=rlm_app.longbench_metric, num_threads=1)(program).score == 100.0


@pytest.mark.parametrize(
    ("said", "score"), [("B", 1.0), ("The correct answer is (B)", 1.0), ("A", 0.0), ("perhaps", 0.0), (None, 0.0)]
)
def test_the_metric_takes_a_letter_and_never_a_guess(said: Any, score: float) -> None:
    prediction = dspy.Prediction(answer=said) if said else dspy.Prediction()
    assert library.longbench_metric(dspy.Example(answer="B"), prediction, None, "explore", None) == score


def test_the_package_offers_them_by_name_and_nothing_else() -> None:
    assert rlm_app.as_dspy_program is library.as_dspy_program
    with pytest.raises(AttributeError):
        _ = rlm_app.something
