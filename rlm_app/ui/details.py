"""What lies behind a run: its sub-calls in full, what it used, and the stored events."""

import json

import streamlit as st

from rlm_app.application import App
from rlm_app.events import EVENT
from rlm_app.model import Body, Run, SubCall, Usage
from rlm_app.ui import figures
from rlm_app.ui.text import literal
from rlm_app.ui.trajectory import output, phases, sub_call_table, timeline

MAX_RAW_CHARS = 30_000


def details(here: App, run: Run, *, dark: bool) -> None:
    """Steps of a run, and once it has ended tabs with the rest; a tab that would be empty is left out."""
    if run.status == "running":
        _steps(run, dark=dark)
        return
    names = ["Steps"]
    names += [f"Sub-calls ({len(run.sub_calls)})"] if run.sub_calls else []
    names += ["Usage"] if run.usage.calls else []
    names += ["Raw"]
    tabs = dict(
        zip((name.split(" (")[0] for name in names), st.tabs(names, on_change="rerun", key="view"), strict=True)
    )
    with tabs["Steps"]:
        _steps(run, dark=dark)
    for name, draw in (("Sub-calls", _sub_calls), ("Usage", _usage), ("Raw", _raw)):
        if name in tabs and tabs[name].open:
            with tabs[name]:
                draw(here, run)


def _steps(run: Run, *, dark: bool) -> None:
    phases(run)
    timeline(run, dark)
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
    rows = [
        _usage_row("root model", run.config.model, run.root_usage),
        _usage_row("sub-calls", run.config.sub_model or run.config.model, run.sub_usage),
        _usage_row("in all", "", run.usage),
    ]
    st.html(figures.table(["", "model", "calls", "tokens in", "cached", "tokens out", "cost"], rows))


def _usage_row(name: str, model: str, usage: Usage) -> list[str]:
    counts = (usage.calls, usage.tokens_in, usage.tokens_cached, usage.tokens_out)
    return [name, figures.safe(model), *(f"{count:,}" for count in counts), figures.cost(usage.cost)]


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
