"""What lies behind a run: its sub-calls in full, what it used, and the stored events."""

import json

import streamlit as st

from rlm_app.application import App
from rlm_app.choosing import Destination
from rlm_app.events import EVENT
from rlm_app.leaving import Sent, sent, summary
from rlm_app.model import Body, Run, Step, SubCall
from rlm_app.providers import provider_of
from rlm_app.ui import figures
from rlm_app.ui.text import literal
from rlm_app.ui.trajectory import output, phases, sub_call_table, timeline

MAX_RAW_CHARS = 30_000


def details(here: App, run: Run, *, dark: bool) -> None:
    """Steps of a run, and once it has ended tabs with the rest; a tab that would be empty is left out."""
    if run.status == "running":
        _steps(here, run, dark=dark)
        return
    names = ["Steps"]
    names += [f"Sub-calls ({len(run.sub_calls)})"] if run.sub_calls else []
    names += ["Usage"] if run.usage.calls else []
    names += ["Raw"]
    tabs = dict(
        zip((name.split(" (")[0] for name in names), st.tabs(names, on_change="rerun", key="view"), strict=True)
    )
    with tabs["Steps"]:
        _steps(here, run, dark=dark)
    for name, draw in (("Sub-calls", _sub_calls), ("Usage", _usage), ("Raw", _raw)):
        if name in tabs and tabs[name].open:
            with tabs[name]:
                draw(here, run)


def _steps(here: App, run: Run, *, dark: bool) -> None:
    phases(run)
    timeline(here, run, dark)
    if not run.steps and run.status != "running":
        st.caption("The run ended before its first step.")


def _sub_calls(here: App, run: Run) -> None:
    for number, call in enumerate(run.sub_calls, 1):
        label = f"**{number}**  step {call.step} · {literal(call.model)}"
        took = "under way" if call.seconds is None else figures.seconds(call.seconds)
        icon = ":material/error:" if call.error else ":material/forum:"
        card = st.expander(f"{label}  :gray[{took}]", icon=icon, key=f"call-{call.call_id}", on_change="rerun")
        if card.open:
            with card:
                _sub_call(here, call)


def _sub_call(here: App, call: SubCall) -> None:
    st.html(sub_call_table([call]))
    _body(here, "Prompt", call.prompt, f"prompt-{call.call_id}")
    if call.response is not None:
        _body(here, "Response", call.response, f"response-{call.call_id}")
    if call.error:
        st.error(literal(call.error, 2000), icon=":material/error:")


def _body(here: App, name: str, body: Body, key: str) -> None:
    st.caption(f"{name}, {figures.plural(body.chars, 'character')}")
    text = here.store.text(body)
    output(text, len(text), key=key)


def _usage(here: App, run: Run) -> None:
    usages = (run.root_usage, run.sub_usage, run.usage)
    models = [run.config.model, (run.config.sub_model or run.config.model) if run.sub_usage.calls else "", ""]
    rows = [["model", *map(figures.safe, models)]]
    for name, field in COUNTED.items():
        rows.append([name, *(f"{getattr(usage, field):,}" for usage in usages)])
    rows.append(["sent", *(f"<nobr>{figures.size(usage.bytes_sent)}</nobr>" for usage in usages)])
    rows.append(["cost", *(f"<nobr>{figures.cost(usage.cost)}</nobr>" for usage in usages)])
    st.html(figures.table(["", "root model", "sub-calls", "in all"], rows))
    if run.steps:
        st.caption("By step, with its sub-calls and the replies that were rejected before it")
        st.html(figures.table(["step", "calls", "tokens", "cost"], [_usage_row(step) for step in run.steps]))


COUNTED = {
    "calls": "calls",
    "of them stored replies": "cached_calls",
    "tokens in": "tokens_in",
    "of them cached": "tokens_cached",
    "tokens out": "tokens_out",
    "of them reasoning": "tokens_reasoning",
}
"""Fields of `Usage` as they are called on the page."""


def _usage_row(step: Step) -> list[str]:
    usages = [*(call.usage for call in step.sub_calls), *(reply.usage for reply in step.rejected)]
    usage = sum(usages, step.usage)
    return [f"{step.number}", f"{usage.calls}", figures.tokens(usage), f"<nobr>{figures.cost(usage.cost)}</nobr>"]


def what_left(here: App, run: Run) -> None:
    """One line that says what left this machine for a run; the places in full on demand."""
    parts = sent(run, here.settings)
    card = st.expander(literal(summary(parts)), type="compact", key="left", on_change="rerun", icon=":material/upload:")
    if not card.open:
        return
    rows = [[figures.safe(part.what), _place(part.to), _size(part)] for part in parts]
    with card:
        if rows:
            st.html(figures.table(["what", "where", "bytes"], rows))
        if not provider_of(run.config.model):
            st.caption("No language model took part.")
        else:
            st.caption("Addresses of models are those that are set now. Keys go to their own providers alone.")


def _place(to: Destination) -> str:
    return figures.safe(to.name) + (" (this machine)" if to.here else "")


def _size(part: Sent) -> str:
    return "not counted yet" if part.size is None else figures.size(part.size)


def _raw(here: App, run: Run) -> None:
    versions = ", ".join(f"{figures.safe(name)} {figures.safe(version)}" for name, version in run.versions)
    st.html(figures.facts(f"run {figures.safe(run.id)}", figures.plural(run.last_seq + 1, "event"), versions))
    if st.toggle("Show the stored events", key="raw"):
        text = events_json(here, run)
        st.code(text[:MAX_RAW_CHARS], language="json", wrap_lines=True)
        if len(text) > MAX_RAW_CHARS:
            st.caption(f"The first {MAX_RAW_CHARS:,} of {len(text):,} characters; Export has them all.")


def events_json(here: App, run: Run) -> str:
    """The stored events of a run as indented JSON."""
    stored = [EVENT.dump_python(event, mode="json") for event in here.store.events(run.id)]
    return json.dumps(stored, indent=1, ensure_ascii=False)
