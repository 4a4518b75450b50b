"""What `import rlm_app` offers to dspy users: the whole path as a module, and the metric of its benchmarks."""

from typing import Any

from rlm_app import asking
from rlm_app.application import App, new_id
from rlm_app.codebase import Corpus, Receipt, Selection
from rlm_app.errors import InvalidConfig
from rlm_app.events import fold
from rlm_app.model import Question, Run, RunConfig
from rlm_app.optimizing import LabelledQuestion
from rlm_app.ports import Answerer, Progress
from rlm_app.programs import MAX_CHARS
from rlm_app.scoring import letter
from rlm_app.stop import Stop


class GivenSource:
    """Implements `ports.Source` with a corpus that is there already."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def validate(self, source: str) -> None: ...

    def load(self, source: str, selection: Selection, *, stop: Stop, progress: Progress) -> tuple[Corpus, Receipt]:
        corpus = self._corpus
        return corpus, Receipt(
            source=source,
            url="",
            name=corpus.name,
            commit=corpus.revision,
            ref=None,
            files=len(corpus.files),
            chars=len(corpus.text),
            digest=corpus.digest,
            languages=(),
        )


def as_dspy_program(here: App | None = None, **config: Any) -> Any:
    """The whole path as a `dspy.Module`: `program(context=…, question=…, choices=…) -> answer, citations`.

    Works with `dspy.Evaluate` and dspy's optimizers; every call is stored as a run, like any question.

    Args:
        here: the installation that runs it; None: that of this process.
        config: any of `RunConfig`'s fields, e.g. `model="openai/gpt-5"`, `max_steps=20`.

    Raises:
        UserError: the settings cannot be used.
    """
    from rlm_app import wiring

    here = here or wiring.app()
    found = here.config(**config)
    program = wiring.open_program(here.settings, _Performer(here, found))
    if found.program:  # what is optimized is the prompt in force
        program.explore.signature = program.explore.signature.with_instructions(found.program)
    return program


def labelled(here: App, dataset: str, split: str) -> list[LabelledQuestion]:
    """The questions of a split with their keys. Raises: NotFound; InvalidConfig: no such split."""
    found = here.collection.ensure(dataset)
    examples = here.collection.datasets.examples(dataset, found.ids(split))
    return [LabelledQuestion(here.corpus(one.context), one.question, one.expected) for one in examples]


class _Performer:
    def __init__(self, here: App, config: RunConfig) -> None:
        self._here, self._config = here, config

    def __call__(self, corpus: Corpus, question: Question, answerer: Answerer, task: str) -> Run:
        store = self._here.store
        asking.check_question(question)
        if len(task) > MAX_CHARS:
            raise InvalidConfig(f"A task prompt has at most {MAX_CHARS:,} characters; this one has {len(task):,}.")
        config = self._config.model_copy(update={"program": task})
        request = asking.Request(new_id(), corpus.name, question, config)
        asking.perform(request, asking.Services(store, GivenSource(corpus), answerer), Stop())
        return fold(store.events(request.run_id))


def longbench_metric(
    example: Any, prediction: Any, trace: Any = None, pred_name: str | None = None, pred_trace: Any = None
) -> float:
    """1.0 where the answer names the letter of the key, else 0.0; the shape that `dspy.Evaluate` and GEPA call."""
    said = letter(str(getattr(prediction, "answer", "")), "ABCD")
    return float(said is not None and said == example.answer)
