"""The whole path from a question to an answer as a dspy module, for `dspy.Evaluate` and dspy's optimizers."""

from collections.abc import Callable, Mapping
from typing import Any

import dspy

from rlm_app import prompts
from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.codebase import Corpus
from rlm_app.errors import ModelFailed
from rlm_app.model import Question, Run, RunConfig
from rlm_app.settings import Settings

Perform = Callable[[Corpus, Question, RlmAnswerer, str], Run]
"""Asks one question of one corpus by a task prompt and returns the run, stored like any other."""


class Explorer(dspy.Predict):  # type: ignore[misc]
    """RLM's action predictor, whose own instructions are the task prompt alone: that is what an optimizer rewrites.

    What RLM adds around it (the REPL, the helpers, the form of the answer) stays out of an optimizer's hands. A run
    takes the task prompt by its configuration, which is stored with it.
    """

    def __init__(self) -> None:
        super().__init__(dspy.Signature("variables_info, repl_history, iteration -> reasoning, code", prompts.TASK))

    @property
    def task(self) -> str:
        """The task prompt as `RunConfig.program` takes it: empty where it is ours."""
        told: str = self.signature.instructions.strip()
        return "" if told == prompts.TASK.strip() else told


class ProgramAnswerer(RlmAnswerer):
    """The answerer with an `Explorer` for its action predictor."""

    def __init__(self, settings: Settings, explorer: Explorer) -> None:
        super().__init__(settings)
        self._explorer = explorer

    def action_for(self, question: Question, config: RunConfig, predict: Any) -> Any:
        return super().action_for(question, config, self._explorer)


class RepositoryProgram(dspy.Module):  # type: ignore[misc]
    """`context, question, choices -> answer, citations`, with the run that led there as `run_id` and `status`.

    `context` is a corpus or a plain text, `choices` texts by letter or None.
    """

    def __init__(self, settings: Settings, perform: Perform) -> None:
        super().__init__()
        self.explore = Explorer()
        self._settings, self._perform = settings, perform

    def __deepcopy__(self, memo: dict[int, Any]) -> "RepositoryProgram":
        copy = RepositoryProgram(self._settings, self._perform)  # the installation is shared, the prompt is not
        copy.explore.load_state(self.explore.dump_state())
        return copy

    def forward(
        self, context: str | Corpus, question: str, choices: Mapping[str, str] | None = None
    ) -> dspy.Prediction:
        corpus = context if isinstance(context, Corpus) else Corpus("context", "", context, ())
        asked = Question(text=question, choices=dict(choices or {}))
        run = self._perform(corpus, asked, ProgramAnswerer(self._settings, self.explore), self.explore.task)
        if run.answer is None:
            raise ModelFailed(run.error or f"The run ended as {run.status}.")
        cited = [citation.label for citation in run.citations]
        return dspy.Prediction(answer=run.answer, citations=cited, status=run.status, run_id=run.id)
