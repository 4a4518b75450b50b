"""The program over a scripted model that gets better with its prompt."""

from dataclasses import replace
from typing import Any

import dspy

from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.adapters.programs import RepositoryProgram
from rlm_app.codebase import Corpus
from rlm_app.model import Question, Run, RunConfig
from rlm_app.settings import Settings
from tests.corpora import corpus_of
from tests.model_server import step
from tests.scripted import EchoEngine, Told

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})
CHOICES = {"A": "app.py", "B": "wsgi.py"}
MAGIC = "Look into src first."


class Reader:
    """A root model that knows the answer only where its instructions hold the magic words."""

    def __init__(self) -> None:
        self.asked = 0

    def complete(self, request: Any) -> Any:
        self.asked += 1
        told = str(request.system) + "".join(str(message.parts) for message in request.messages)
        letter = "A" if MAGIC in told else "B"
        return EchoEngine(lambda prompt: step(f"SUBMIT(answer='{letter}', citations=['src/app.py:1'])")).complete(
            request
        )


def program(engine: Any) -> RepositoryProgram:
    """The program over a scripted engine; each run is kept in memory."""

    def perform(corpus: Corpus, question: Question, answerer: RlmAnswerer, task: str) -> Run:
        told = Told(question, RunConfig(model="scripted/model", program=task))
        answerer.connection = lambda model, config, run: {"cache": False, "engine": engine}  # type: ignore[method-assign]
        answer = answerer.answer(corpus, question, told.config, told.context)
        return replace(told.run, answer=answer.text, status="answered")

    return RepositoryProgram(Settings(_env_file=None), perform)


def example() -> dspy.Example:
    given = {"context": CORPUS, "question": "In which file?", "choices": CHOICES, "answer": "A"}
    return dspy.Example(**given).with_inputs("context", "question", "choices")


def metric(gold: dspy.Example, pred: Any, trace: Any = None) -> float:
    return float(pred.answer == gold.answer)
