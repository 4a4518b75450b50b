"""The trajectory: phases, then one card for each step. A card's code and output are drawn once it is open."""

from collections.abc import Sequence

import streamlit as st

from rlm_app.model import Phase, Run, Step, SubCall, Usage
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
def timeline(run: Run, dark: bool) -> None:
    """One card for each step, in order; opening one draws this part of the page alone."""
    for step in run.steps:
        _card(step, running=run.status == "running", dark=dark)


def _card(step: Step, *, running: bool, dark: bool) -> None:
    under_way = step.seconds is None and running
    label = f"**{step.number}**  {literal(first_sentence(step.reasoning) or 'No reasoning given', 140)}"
    took = [] if step.seconds is None else [figures.seconds(step.model_seconds + step.seconds)]
    calls = [figures.plural(len(step.sub_calls), "sub-call")] if step.sub_calls else []
    if took or calls:
        label += f"  :gray[{' · '.join(took + calls)}]"
    # Another key once it has ended: the card closes then, below all that is finished, and nothing above it moves.
    key = f"step-{step.number}" + ("-now" if under_way else "")
    card = st.expander(label, expanded=under_way, icon=_icon(step, under_way), type="step", key=key, on_change="rerun")
    with card:
        if card.open:
            if len(step.reasoning.strip()) > len(first_sentence(step.reasoning)) + 1:  # more than the label says
                st.html(prose(step.reasoning, dark=dark))
            _work(step)
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


def _work(step: Step) -> None:
    st.code(_shown(visible(step.code)), language="python", wrap_lines=False)
    if step.output:
        output(step.output, step.output_chars, key=f"output-{step.number}")
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
        costs = [f"model {figures.seconds(step.model_seconds)}", tokens(step.usage), figures.cost(step.usage.cost)]
    if step.seconds is not None:
        costs.append(f"sandbox {figures.seconds(step.seconds)}")
    return costs


def tokens(usage: Usage) -> str:
    """`1.2 k tokens in (800 cached), 310 out`."""
    cached = f" ({figures.amount(usage.tokens_cached)} cached)" if usage.tokens_cached else ""
    return f"{figures.amount(usage.tokens_in)} tokens in{cached}, {figures.amount(usage.tokens_out)} out"


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
            tokens(call.usage) if call.usage.calls else "",
            figures.cost(call.usage.cost) if call.seconds is not None else "",
            figures.safe(call.error) if call.error else "",
        ]
        for number, call in enumerate(calls, 1)
    ]
    return figures.table(["", "model", "time", "tokens", "cost", ""], rows)
