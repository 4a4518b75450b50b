"""A run that is under way: what it does now, its clock, and Stop. Everything else is drawn once and left alone."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from rlm_app.application import App
from rlm_app.events import (
    ContextLoaded,
    Event,
    LimitReached,
    PhaseProgress,
    PhaseStarted,
    ReplyRejected,
    RunFinished,
    RunResumed,
    StepFinished,
    StepStarted,
    SubCallFinished,
    SubCallStarted,
)
from rlm_app.model import Run
from rlm_app.ui import figures
from rlm_app.ui.text import literal

TICK_SECONDS = 1.0
REDRAWS = (
    ContextLoaded,
    LimitReached,
    PhaseStarted,
    ReplyRejected,
    RunFinished,
    RunResumed,
    StepFinished,
    StepStarted,
)
PHASES = {
    "clone": "Cloning",
    "flatten": "Reading files",
    "sandbox": "Starting the sandbox",
    "check": "Checking citations",
}


class Now(NamedTuple):
    """What a run does at this moment, since when, and how far it is (None where unknown)."""

    words: str
    since: float
    share: float | None = None


def live_status(here: App, run: Run) -> None:
    """One line about a run that has not ended, polled, and Stop; all else is drawn anew only when there is more."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.fragment(_tick, run_every=TICK_SECONDS)(here, run)
        stopping = st.session_state.get("stopping") == run.id
        label = "Stopping" if stopping else "Stop"
        if st.button(label, icon=":material/stop_circle:", disabled=stopping, key="stop"):  # not polled: 0.5 kB a tick
            st.session_state["stopping"] = run.id
            here.stop(run.id)
            st.rerun()


def _tick(here: App, run: Run) -> None:
    last = here.store.last_seq(run.id)
    events = here.store.events(run.id, after=run.last_seq) if last > run.last_seq else []
    if last < 0 or any(isinstance(event, REDRAWS) for event in events):
        st.rerun()
    now = doing(run, events)
    text = f"{literal(now.words)} · {figures.seconds(max(time.time() - now.since, 0))}"
    if now.share is None:
        st.markdown(text, width="stretch")
    else:
        st.progress(now.share, text=text, width="stretch")


def doing(run: Run, later: Sequence[Event] = ()) -> Now:
    """What a run does now, from what was drawn of it and the small events since then."""
    if run.steps and run.steps[-1].seconds is None:
        return _stepping(run, later)
    if not run.phases:
        return Now("Waiting for a free worker", run.started)
    phase = run.phases[-1]
    if phase.name == "explore":
        since = phase.started
        if run.steps:
            since = max(since, run.steps[-1].started + (run.steps[-1].seconds or 0))
        return Now(f"The model is writing step {len(run.steps) + 1}", since)
    done, total, note = phase.done, phase.total, phase.note
    for event in later:
        if isinstance(event, PhaseProgress):
            done, total, note = event.done, event.total, event.note
    words = PHASES.get(phase.name, phase.name.capitalize()) + (f" · {note}" if note else "")
    return Now(words, phase.started, min(max(done / total, 0.0), 1.0) if total else None)


def _stepping(run: Run, later: Sequence[Event]) -> Now:
    step = run.steps[-1]
    started = len(step.sub_calls) + sum(isinstance(event, SubCallStarted) for event in later)
    ended = sum(call.seconds is not None for call in step.sub_calls)
    ended += sum(isinstance(event, SubCallFinished) for event in later)
    calls = f" · {ended} of {figures.plural(started, 'sub-call')} done" if started else ""
    return Now(f"Step {step.number} is running{calls}", step.started)
