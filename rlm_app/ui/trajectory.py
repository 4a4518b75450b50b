"""The trajectory: phases, then one card for each step. A card's code and output are drawn once it is open."""

from collections.abc import Sequence

import streamlit as st

from rlm_app.application import App
from rlm_app.model import Phase, Rejected, Run, Step, SubCall
from rlm_app.ui import figures
from rlm_app.ui.text import first_sentence, literal, prose, visible

OUTPUT_LINES = 40
MAX_SHOWN_CHARS = 20_000  # 200 kB in one code box keep a browser busy for six seconds
CLOSED_CHARS = 300  # of the reasoning in a card that is closed; an empty card could not be opened


def phases(run: Run) -> None:
    """The stretches of work around the steps and what each took."""
    if run.phases:
        st.html(figures.facts(*(_phase(phase, run) for phase in run.phases)))


def _phase(phase: Phase, run: Run) -> str:
    if phase.seconds is not None:
        return f"{figures.safe(phase.name)} {figures.seconds(phase.seconds)}"
    return f"<b>{figures.safe(phase.name)}</b>" + (" …" if run.status == "running" else " did not finish")


@st.fragment
def timeline(here: App, run: Run, dark: bool, name: str = "") -> None:
    """One card for each step, in order, and for each reply that no step came of; opening one draws this part alone.

    `name` tells the timelines of a page apart.
    """
    for step in run.steps:
        _card(here, step, running=run.status == "running", dark=dark, name=name)
    for number, reply in enumerate(run.rejected, 1):
        label, key = f"**{reply.step}**  A reply that was no step", f"{name}rejected-{number}"
        card = st.expander(label, icon=":material/block:", type="step", key=key, on_change="rerun")
        with card:
            st.caption(literal(reply.reason, 500))
            if card.open:
                _reply(here, reply, key=f"{name}reply-{number}")


def _reply(here: App, reply: Rejected, *, key: str) -> None:
    text = here.store.text(reply.reply)
    if text.strip():
        output(text, len(text), key=key)
    if reply.usage.calls:
        st.html(figures.facts(figures.tokens(reply.usage), figures.cost(reply.usage.cost)))


def _card(here: App, step: Step, *, running: bool, dark: bool, name: str) -> None:
    under_way = step.seconds is None and running
    label = f"**{step.number}**  {literal(first_sentence(step.reasoning) or 'No reasoning given', 140)}"
    took = [] if step.seconds is None else [figures.seconds(step.model_seconds + step.seconds)]
    calls = [figures.plural(len(step.sub_calls), "sub-call")] if step.sub_calls else []
    facts = took + calls + ([f"{len(step.rejected)} rejected before it"] if step.rejected else [])
    if facts:
        label += f"  :gray[{' · '.join(facts)}]"
    # Another key once it has ended: the card closes then, below all that is finished, and nothing above it moves.
    key = f"{name}step-{step.number}" + ("-now" if under_way else "")
    card = st.expander(label, expanded=under_way, icon=_icon(step, under_way), type="step", key=key, on_change="rerun")
    with card:
        if card.open:
            if len(step.reasoning.strip()) > len(first_sentence(step.reasoning)) + 1:  # more than the label says
                st.html(prose(step.reasoning, dark=dark))
            for number, reply in enumerate(step.rejected, 1):
                st.caption(f":orange[:material/block:] A reply before this was no step: {literal(reply.reason, 500)}")
                _reply(here, reply, key=f"{name}reply-{step.number}-{number}")
            _work(step, name)
        else:
            st.html(prose(step.reasoning[:CLOSED_CHARS], dark=dark))


def _icon(step: Step, under_way: bool) -> str:
    if under_way:
        return "spinner"
    if step.seconds is None:
        return ":material/do_not_disturb_on:"
    if step.failed:
        return ":material/error:"
    return ":material/flag:" if step.submitted else ":material/check:"


def _work(step: Step, name: str) -> None:
    st.code(_shown(visible(step.code)), language="python", wrap_lines=False)
    if step.output:
        output(step.output, step.output_chars, key=f"{name}output-{step.number}")
    elif step.seconds is not None:
        st.caption("This step printed nothing.")
    if step.failed:
        st.caption("The code raised an error; the model was shown it and went on.")
    if step.sub_calls:
        st.html(sub_call_table(step.sub_calls))
    st.html(figures.facts(*_costs(step)))


def _costs(step: Step) -> list[str]:
    costs = []
    if step.usage.calls:
        model = f"model {figures.seconds(step.model_seconds)}"
        costs = [model, figures.tokens(step.usage), figures.cost(step.usage.cost)]
    if step.seconds is not None:
        costs.append(f"sandbox {figures.seconds(step.seconds)}")
    return costs


def output(text: str, chars: int, *, key: str) -> None:
    """The first lines of a text, the rest on demand; `chars` is how long it was before it was stored."""
    lines = visible(text).rstrip("\n").split("\n")
    short = "\n".join(lines[:OUTPUT_LINES])
    slot = st.container()
    everything = len(lines) <= OUTPUT_LINES or st.toggle(f"All {len(lines):,} lines", key=key)
    slot.code(_shown("\n".join(lines) if everything else short), language=None, wrap_lines=True)
    if chars > len(text):
        st.caption(f"Cut: {chars:,} characters in all, {len(text):,} kept.")


def _shown(text: str) -> str:
    if len(text) <= MAX_SHOWN_CHARS:
        return text
    return text[:MAX_SHOWN_CHARS] + f"\n… cut here; the export has all {len(text):,} characters"


def sub_call_table(calls: Sequence[SubCall]) -> str:
    """HTML of one row for each sub-call: model, time, tokens, cost and how it ended."""
    rows = [
        [
            f"{number}",
            figures.safe(call.model),
            "under way" if call.seconds is None else figures.seconds(call.seconds),
            figures.tokens(call.usage) if call.usage.calls else "",
            figures.cost(call.usage.cost) if call.seconds is not None else "",
            figures.safe(call.error) if call.error else "",
        ]
        for number, call in enumerate(calls, 1)
    ]
    return figures.table(["", "model", "time", "tokens", "cost", ""], rows)
