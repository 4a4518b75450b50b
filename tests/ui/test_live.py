"""The line that says what a run does now."""

from rlm_app.events import (
    Event,
    PhaseProgress,
    PhaseStarted,
    RunStarted,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
    fold,
)
from rlm_app.model import Body, Question, RunConfig
from rlm_app.ui.live import REDRAWS, doing

START = RunStarted(seq=0, run_id="r", source="s", question=Question(text="q"), config=RunConfig())
CLONE = PhaseStarted(seq=1, phase="clone")
EXPLORE = PhaseStarted(seq=2, phase="explore")
STEP = StepStarted(seq=3, step=1, reasoning="r", code="c")
CALL = SubCallStarted(seq=4, call_id="a", step=1, model="m", prompt=Body(chars=1, text="p"))
CALLED = SubCallFinished(seq=5, call_id="a", response=Body(chars=1, text="r"), seconds=1)
STEPPED = StepFinished(seq=6, step=1, output="o", output_chars=1, seconds=2)


def said(drawn: list[Event], later: list[Event] | None = None) -> str:
    return doing(fold(drawn), later or []).words


def test_each_moment_has_its_words() -> None:
    assert said([START]) == "Waiting for a free worker"
    assert said([START, CLONE]) == "Cloning"
    assert said([START, CLONE, EXPLORE]) == "The model is writing step 1"
    assert said([START, CLONE, EXPLORE, STEP]) == "Step 1 is running"
    assert said([START, CLONE, EXPLORE, STEP, STEPPED]) == "The model is writing step 2"


def test_small_events_since_the_page_was_drawn_count() -> None:
    progress = PhaseProgress(seq=2, phase="clone", done=3, total=4, note="3 MB")
    now = doing(fold([START, CLONE]), [progress])
    assert (now.words, now.share) == ("Cloning · 3 MB", 0.75)
    assert said([START, CLONE, EXPLORE, STEP], [CALL]) == "Step 1 is running · 0 of 1 sub-call done"
    assert said([START, CLONE, EXPLORE, STEP, CALL], [CALLED]) == "Step 1 is running · 1 of 1 sub-call done"


def test_the_clock_of_a_step_to_come_starts_when_the_last_one_ended() -> None:
    now = doing(fold([START, CLONE, EXPLORE, STEP, STEPPED]))
    assert abs(now.since - (STEP.time + 2)) < 1e-6


def test_small_events_do_not_redraw_the_page() -> None:
    assert not isinstance(CALL, REDRAWS)
    assert isinstance(STEPPED, REDRAWS)
