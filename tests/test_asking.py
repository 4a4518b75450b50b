"""One question start to end over the real store, with a fixed source and a scripted model."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rlm_app import asking, prompts
from rlm_app.adapters.store import SqlStore
from rlm_app.errors import CloneFailed, InvalidQuestion, ModelFailed, RunCancelled, RunLimited, SandboxLost, UserError
from rlm_app.events import LimitReached, PhaseStarted, RunFinished, StepStarted, fold
from rlm_app.model import MAX_QUESTION_CHARS, Question, Run, RunConfig, Usage
from rlm_app.ports import Answer, RunContext, RunQuery
from rlm_app.stop import Stop
from tests.corpora import corpus_of
from tests.scripted import FixedAnswerer, FixedSource, ScriptedAnswerer

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n"})
ANSWER = Answer("See src/app.py:1-2 and src/gone.py:3.", ("src/app.py:9",), extracted=False, usage=Usage(calls=1))


@pytest.fixture
def store(tmp_path: Path):
    store = SqlStore.open(f"sqlite:///{tmp_path / 'runs.db'}", tmp_path / "blobs")
    yield store
    store.close()


def run(store, answerer, source=None, stop: Stop | None = None, **config) -> Run:
    request = asking.Request("r", "https://example.org/owner/name", Question(text="Where?"), RunConfig(**config))
    record = asking.begin(request, store)
    asking.ask(request, record, asking.Services(store, source or FixedSource(CORPUS), answerer), stop or Stop())
    return fold(store.events("r"))


def raising(error: Exception) -> FixedAnswerer:
    def answer(context: RunContext) -> Answer:
        raise error

    return FixedAnswerer(answer)


def test_an_answered_run_has_its_phases_receipt_and_checked_citations(store) -> None:
    done = run(store, FixedAnswerer(lambda context: ANSWER))
    assert done.status == "answered"
    assert [phase.name for phase in done.phases] == ["clone", "flatten", "check"]
    assert all(phase.seconds is not None for phase in done.phases)
    assert {citation.label: citation.status for citation in done.citations} == {
        "src/app.py:1-2": "verified",
        "src/gone.py:3": "not found",
        "src/app.py:9": "out of range",
    }
    assert done.citations[0].url == "https://example.org/owner/name/blob/c0ffee/src/app.py#L1-L2"
    assert store.corpus(done.receipt.digest).text == CORPUS.text
    assert done.other_usage.calls == 1


def test_the_whole_path_with_the_real_loop(store) -> None:
    done = run(store, ScriptedAnswerer(["print(grep('route'))", "SUBMIT(answer='x', citations=['src/app.py:1'])"]))
    assert done.status == "answered"
    assert [phase.name for phase in done.phases] == ["clone", "flatten", "sandbox", "explore", "check"]
    assert len(done.steps) == 2


def test_the_fallback_is_never_called_an_answer(store) -> None:
    extracted = Answer("Perhaps.", (), extracted=True, usage=Usage())
    assert run(store, FixedAnswerer(lambda context: extracted)).status == "extracted"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (ModelFailed("The key was refused."), "failed", "The key was refused."),
        (SandboxLost("The sandbox was lost."), "failed", "The sandbox was lost."),
        (CloneFailed("No such branch."), "failed", "No such branch."),
        (RunLimited("max_cost", "Spent."), "limit", "Spent."),
        (RunCancelled("Stopped."), "cancelled", "Stopped."),
        (KeyError("a bug with a /secret/path"), "failed", asking.BUG),
    ],
)
def test_every_end_has_its_status_and_one_sentence(store, error: Exception, status: str, words: str) -> None:
    done = run(store, raising(error))
    assert (done.status, done.error, done.answer) == (status, words, None)
    assert isinstance(store.events("r")[-1], RunFinished)
    assert done.limit == ("max_cost" if status == "limit" else None)
    assert any(isinstance(event, LimitReached) for event in store.events("r")) == (status == "limit")


def test_whatever_falls_over_during_a_stop_is_told_as_the_stop(store) -> None:
    stop = Stop()

    def answer(context: RunContext) -> Answer:
        stop.request(RunCancelled("Stopped."))
        raise ValueError("fell over while stopping")

    assert run(store, FixedAnswerer(answer), stop=stop).status == "cancelled"


def test_a_stop_while_cloning_and_one_before_the_start(store) -> None:
    def clone(stop: Stop) -> None:
        threading.Timer(0.1, stop.request, (RunCancelled("Stopped."),)).start()
        assert stop.wait(5)
        stop.check()

    assert run(store, raising(AssertionError()), FixedSource(CORPUS, clone)).status == "cancelled"


def test_a_run_that_was_stopped_while_it_waited_never_clones(store) -> None:
    stop = Stop()
    stop.request(RunCancelled("Stopped."))
    done = run(store, raising(AssertionError()), FixedSource(CORPUS, lambda stop: 1 / 0), stop)
    assert (done.status, done.phases) == ("cancelled", ())


def test_the_time_limit_ends_a_run_wherever_it_is(store) -> None:
    def answer(context: RunContext) -> Answer:
        assert context.stop.wait(10)
        context.stop.check()
        raise AssertionError

    done = run(store, FixedAnswerer(answer), max_seconds=1)
    assert (done.status, done.limit) == ("limit", "max_seconds")


def test_progress_is_thinned_but_a_new_phase_is_told_at_once(store) -> None:
    class Chatty(FixedSource):
        def load(self, source, selection, *, stop, progress):
            for done in range(5000):
                progress("clone", done, 5000, "Fetching")
            return super().load(source, selection, stop=stop, progress=progress)

    run(store, FixedAnswerer(lambda context: ANSWER), Chatty(CORPUS))
    events = store.events("r")
    assert len(events) < 50
    assert [event.phase for event in events if isinstance(event, PhaseStarted)] == ["clone", "flatten", "check"]


@pytest.mark.parametrize(
    "question",
    [
        Question(text=" \n "),
        Question(text="x" * (MAX_QUESTION_CHARS + 1)),
        Question(text="q", choices={"A": "only one"}),
        Question(text="q", choices={"A": "x", "C": "y"}),
        Question(text="q", choices={"A": "x", "B": "  "}),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_what_to_do(question: Question) -> None:
    with pytest.raises(InvalidQuestion) as caught:
        asking.check_question(question)
    assert isinstance(caught.value, UserError)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_question_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidQuestion, match="UTF-8"):
        asking.check_question(Question(text="Where is \udcff?"))


# Runs that another process has begun


def request(**config) -> asking.Request:
    return asking.Request("r", "https://example.org/owner/name", Question(text="Where?"), RunConfig(**config))


def services(store, answerer, source=None) -> asking.Services:
    return asking.Services(store, source or FixedSource(CORPUS), answerer)


def dies(store) -> None:
    """Begin a run whose process dies in the middle: nothing more is stored."""

    def answer(context: RunContext) -> Answer:
        context.emit(StepStarted, step=1, reasoning="", code="print(1)")
        raise Killed

    class Killed(BaseException): ...

    class Dying:
        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def append(self, run_id: str, event: object) -> None:
            if isinstance(event, RunFinished):
                raise Killed
            store.append(run_id, event)

    with pytest.raises(Killed):
        asking.perform(request(), services(Dying(), FixedAnswerer(answer)), Stop())


def test_a_run_that_was_left_behind_goes_on_with_the_same_code_and_what_was_told(store) -> None:
    dies(store)
    seen: list[Run | None] = []

    def answer(context: RunContext) -> Answer:
        seen.append(context.before)
        return ANSWER

    moved_on = FixedSource(CORPUS, before=lambda stop: pytest.fail("the code is stored, and a branch may have moved"))
    asking.perform(request(), services(store, FixedAnswerer(answer), moved_on), Stop())
    done = fold(store.events("r"))
    assert (done.status, done.resumed) == ("answered", 1)
    assert [step.code for step in seen[0].steps] == ["print(1)"]
    assert store.runs(RunQuery())[0][0].status == "answered"


def test_a_run_that_was_called_interrupted_goes_on_too(store) -> None:
    dies(store)
    store.interrupt_dead(lambda owner, seconds: True)
    assert fold(store.events("r")).status == "interrupted"
    asking.perform(request(), services(store, FixedAnswerer(lambda context: ANSWER)), Stop())
    assert fold(store.events("r")).status == "answered"


def test_a_run_that_has_ended_is_not_begun_again(store) -> None:
    done = run(store, FixedAnswerer(lambda context: ANSWER))
    asking.perform(request(), services(store, raising(AssertionError())), Stop())
    assert fold(store.events("r")) == done


def test_the_slower_of_two_processes_leaves_the_run_alone(store) -> None:
    def answer(context: RunContext) -> Answer:
        asking.perform(request(), services(store, FixedAnswerer(lambda context: ANSWER)), Stop())  # the other process
        context.emit(StepStarted, step=1, reasoning="", code="")
        return ANSWER

    with pytest.raises(ValueError):
        asking.perform(request(), services(store, FixedAnswerer(answer)), Stop())
    done = fold(store.events("r"))
    assert (done.status, done.steps) == ("answered", ())


def test_an_answer_at_a_limit_has_the_limit_for_its_status(store) -> None:
    limited = replace(ANSWER, limited=RunLimited("max_cost", "The cost limit of $1 was reached ($0.99)."))
    done = run(store, FixedAnswerer(lambda context: limited))
    assert (done.status, done.limit, done.answer) == ("limit", "max_cost", ANSWER.text)
    assert done.citations


def test_the_time_that_is_left_is_told_to_the_answerer(store) -> None:
    left: list[float] = []

    def answer(context: RunContext) -> Answer:
        left.append(context.deadline - time.monotonic())
        return ANSWER

    run(store, FixedAnswerer(answer), max_seconds=100)
    assert 90 < left[0] <= 100


def test_a_panic_ends_the_run_too(store) -> None:
    class Panic(BaseException): ...

    assert run(store, raising(Panic())).status == "failed"  # type: ignore[arg-type]


def test_a_run_keeps_the_versions_of_what_decides_how_it_goes(store) -> None:
    versions = dict(run(store, FixedAnswerer(lambda context: ANSWER)).versions)
    assert {"rlm-app", "dspy", "prompts"} <= set(versions)
    assert versions["prompts"] == prompts.version()
