"""Our program as dspy's own tools see it: traced, evaluated, optimized, saved and loaded."""

import copy
from pathlib import Path
from typing import Any

import dspy
import pytest

from rlm_app import programs, prompts
from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.adapters.programs import RepositoryProgram
from rlm_app.codebase import Corpus
from rlm_app.errors import InvalidConfig, ModelFailed
from rlm_app.model import Question, Run, RunConfig
from rlm_app.ports import RunContext
from rlm_app.settings import Settings
from tests.programs import CHOICES, CORPUS, MAGIC, Reader, example, metric, program
from tests.scripted import Told


def test_dspy_evaluates_the_program() -> None:
    result = dspy.Evaluate(devset=[example(), example()], metric=metric, num_threads=2)(program(Reader()))
    assert result.score == 0.0
    assert [prediction.answer for _, prediction, _ in result.results] == ["B", "B"]


def test_a_saved_task_is_what_the_model_is_told(tmp_path: Path) -> None:
    changed = program(Reader())
    changed.explore.signature = changed.explore.signature.with_instructions(MAGIC)
    changed.save(tmp_path / "mine.json")
    told = Told(
        Question(text="Where?", choices=CHOICES), RunConfig(model="x/y", program=programs.load(tmp_path / "mine.json"))
    )
    engine = Reader()

    class Answerer(RlmAnswerer):
        def connection(self, model: str, config: RunConfig, run: RunContext) -> dict[str, Any]:
            return {"cache": False, "engine": engine}

    assert Answerer(Settings(_env_file=None)).answer(CORPUS, told.question, told.config, told.context).text == "A"


def test_a_copy_shares_the_installation_and_not_the_prompt() -> None:
    first = program(Reader())
    second = copy.deepcopy(first)
    second.explore.signature = second.explore.signature.with_instructions("Other.")
    assert first.explore.signature.instructions == prompts.TASK.strip()
    assert [name for name, _ in first.named_predictors()] == [programs.PREDICTOR]


def test_a_run_without_an_answer_is_an_error_and_no_prediction() -> None:
    def perform(corpus: Corpus, question: Question, answerer: RlmAnswerer, task: str) -> Run:
        return Told().run

    with pytest.raises(ModelFailed, match="ended as running"):
        RepositoryProgram(Settings(_env_file=None), perform)(context="text", question="Where?")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"explore": {"signature": {"instructions": " "}}}', "\x00"])
def test_a_file_that_is_no_program_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(InvalidConfig, match="rlm-app optimize"):
        programs.load(tmp_path / "x.json")
    with pytest.raises(InvalidConfig, match="check its path"):
        programs.load(tmp_path / "missing.json")


def test_saved_programs_are_found_by_name(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "c.txt"):
        (tmp_path / name).touch()
    assert list(programs.saved(tmp_path)) == ["a", "b"]
    assert programs.saved(tmp_path / "missing") == {}
