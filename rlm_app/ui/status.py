"""How a run stands, by word, icon and colour, and its head line."""

from typing import Literal, NamedTuple

import streamlit as st

from rlm_app import wording
from rlm_app.choosing import SANDBOXES
from rlm_app.model import Run, Status
from rlm_app.ui import figures
from rlm_app.ui.text import literal

Colour = Literal["green", "orange", "gray", "red", "primary"]


class Look(NamedTuple):
    word: str
    icon: str
    colour: Colour


LOOKS: dict[Status, Look] = {
    "running": Look("running", ":material/progress_activity:", "primary"),
    "answered": Look("answered", ":material/check_circle:", "green"),
    "extracted": Look("fallback answer", ":material/short_text:", "orange"),
    "limit": Look("limit reached", ":material/timer_off:", "orange"),
    "cancelled": Look("cancelled", ":material/do_not_disturb_on:", "gray"),
    "failed": Look("failed", ":material/error:", "red"),
    "interrupted": Look("interrupted", ":material/power_off:", "gray"),
}

EXPLAINED: dict[Status, str] = {
    "cancelled": "This run was stopped before it had an answer.",
    "interrupted": "The server stopped while this run was under way. It can go on; nothing is paid for twice.",
    "failed": "This run failed, so there is no answer.",
    "limit": "A limit was reached before there was an answer.",
}


def badge(status: Status) -> None:
    look = LOOKS[status]
    st.badge(look.word, icon=look.icon, color=look.colour)


def run_badge(run: Run) -> None:
    """How a run stands: for a limit which one, and whether it answered with what it had by then."""
    look = LOOKS[run.status]
    st.badge(wording.outcome(run) if run.status == "limit" else look.word, icon=look.icon, color=look.colour)


def run_head(run: Run) -> None:
    """The question, how the run stands, and what it was asked of."""
    st.title(literal(run.question.text, 240), anchor=False)
    if len(run.question.text) > 240 or run.question.choices:
        with st.expander("The whole question", type="compact", expanded=bool(run.question.choices)):
            st.text(run.question.prompt)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        run_badge(run)
        took = figures.seconds(run.seconds) if run.seconds is not None else ""
        again = f"taken up again {figures.plural(run.resumed, 'time')}" if run.resumed else ""
        st.html(figures.facts(took, figures.moment(run.started), again), width="content")
    receipt = run.receipt
    commit = (
        f' @ <span title="{figures.safe(receipt.commit)}">{figures.safe(receipt.commit[:7])}</span>' if receipt else ""
    )
    st.html(
        figures.facts(
            figures.safe(receipt.name if receipt else run.source) + commit,
            figures.safe(run.config.model),
            _sandbox(run),
            figures.plural(len(run.steps), "step"),
            figures.plural(len(run.sub_calls), "sub-call"),
            figures.cost(run.usage.cost),
        )
    )


def _sandbox(run: Run) -> str:
    """Where the code runs, by name where it has one; on hover since when, and for how long it was held."""
    word = figures.safe(SANDBOXES.get(run.config.sandbox, run.config.sandbox))
    used = run.sandbox
    if used is None:
        return word
    held = f"held for {figures.seconds(used.seconds)}" if used.seconds is not None else "in use"
    named = f" {figures.safe(used.name)}" if used.name else ""
    return f'<span title="{held}, since {figures.exact(used.started)}">{word}{named}</span>'
