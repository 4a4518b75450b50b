"""dspy's own GEPA with a scripted model that reflects."""

import json
from pathlib import Path

import dspy
import pytest

from rlm_app import programs, prompts
from rlm_app.adapters.optimizing import optimize
from rlm_app.errors import InvalidConfig
from rlm_app.model import Question
from rlm_app.optimizing import LabelledQuestion, Plan
from rlm_app.settings import Settings
from tests.programs import CHOICES, CORPUS, MAGIC, Reader, example, metric, program
from tests.scripted import EchoEngine

PLAN = Plan(Settings(_env_file=None), "scripted/reflection", metric, calls=20, threads=1)


def questions(n: int) -> list[LabelledQuestion]:
    return [LabelledQuestion(CORPUS, Question(text="In which file?", choices=CHOICES), "A")] * n


def test_gepa_rewrites_the_task_and_nothing_else(tmp_path: Path) -> None:
    reflected: list[str] = []

    def reflect(prompt: str) -> str:
        reflected.append(prompt)
        return json.dumps({"new_instruction": f"{MAGIC} Then answer."})

    before = program(Reader())
    lm = dspy.LM("scripted/reflection", engine=EchoEngine(reflect), cache=False)
    found = optimize(before, questions(8), PLAN, reflect=lm)
    assert (found.before, found.after, found.n) == (0.0, 1.0, 4)
    assert "wrong: the key is A (app.py)" in reflected[0], "the reflection is told what was wrong"
    assert CORPUS.text not in reflected[0], "the context is in no prompt"
    found.program.save(tmp_path / "better.json")
    better = programs.load(tmp_path / "better.json")
    assert better.startswith(MAGIC)
    assert prompts.version(better) != prompts.version()
    assert before.explore.signature.instructions == prompts.TASK.strip(), "the program it began with is as it was"
    assert found.program(**example().inputs()).answer == "A"


def test_too_few_examples_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="at least 4 examples; these are 3"):
        optimize(program(Reader()), questions(3), PLAN)
