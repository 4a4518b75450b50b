"""The question, and how it is to be answered."""

from pathlib import Path
from typing import Any, NamedTuple

import streamlit as st

from rlm_app import programs, wording
from rlm_app.application import App
from rlm_app.choosing import SANDBOXES, offered, offered_sandboxes
from rlm_app.codebase import Selection
from rlm_app.errors import InvalidQuestion
from rlm_app.model import KEYLESS_LABEL, KEYLESS_MODEL, Question, RunConfig
from rlm_app.ui import figures, visitor
from rlm_app.ui.places import RUN, SETTINGS
from rlm_app.ui.preferences import cache_field, in_force, on_limit_field
from rlm_app.ui.session import user_errors
from rlm_app.ui.text import literal

MAX_CHOICES = 26
ASKED = "asked"


class Choices(NamedTuple):
    """What the settings say: which part of the repository, how to answer, and the lines of choices."""

    selection: Selection
    changes: dict[str, Any]
    choices: str


def seed_from_address(*names: str) -> None:
    """Fill text boxes once from the query they are not bound to, since texts may be too long to keep in an address.

    After a question was asked they start empty again.
    """
    if st.session_state.pop(ASKED, False):
        for name in names:
            st.session_state[name] = ""
            st.session_state.pop(f"seeded_{name}", None)
    for name in names:
        given = st.query_params.get(name)
        if given and st.session_state.get(f"seeded_{name}") != given:
            st.session_state[f"seeded_{name}"] = st.session_state[name] = given


def settings_panel(here: App) -> Choices:
    """Everything that has a good default, behind one expander. All of it is part of the page's address."""
    with st.expander("Settings", icon=":material/tune:"):
        changes = run_settings(here)
        if changes["sandbox"] == "e2b":
            changes["files_in_sandbox"] = st.toggle(
                "Put the code into the sandbox as files too, for ast and friends",
                value=here.settings.files_in_sandbox,
                key="files_in_sandbox",
                bind=_BIND,
            )
        selection = _part_of_repository()
        choices: str | None = st.text_area(
            "Choices, one a line, for a multiple-choice question", key="choices", placeholder="none", height=100
        )
    return Choices(selection, changes, choices or "")


def run_settings(here: App) -> dict[str, Any]:
    """How runs are to be answered, by the names of `RunConfig`'s fields; part of the page's address."""
    settings = here.settings
    models = list(offered(settings.with_keys(visitor.own_keys()), here.local_models()))
    if (preferred := visitor.defaults().get("model", "auto")) != "auto":
        models = list(dict.fromkeys([preferred, *models]))
    with st.grid(3):
        return {
            "model": st.selectbox("Model", models, key="model", bind="query-params", accept_new_options=True),
            "sub_model": st.selectbox(
                "Model for sub-calls",
                models,
                index=None,
                placeholder="chosen to fit the model",
                key="sub_model",
                bind="query-params",
                accept_new_options=True,
            ),
            "sandbox": st.selectbox(
                "Sandbox",
                offered_sandboxes(settings),
                format_func=lambda name: SANDBOXES[name],
                key="sandbox",
                bind="query-params",
            ),
            "max_steps": st.number_input(
                "Steps at most", value=in_force(here, "max_steps"), key="max_steps", bind=_BIND
            ),
            "max_llm_calls": st.number_input(
                "Sub-calls at most", value=in_force(here, "max_llm_calls"), key="max_llm_calls", bind=_BIND
            ),
            "max_seconds": st.number_input(
                "Seconds at most",
                value=float(in_force(here, "max_seconds")),
                step=60.0,
                format="%g",
                key="max_seconds",
                bind=_BIND,
            ),
            "max_cost": st.number_input(
                "USD at most",
                value=in_force(here, "max_cost"),
                placeholder="no limit",
                format="%g",
                key="max_cost",
                bind=_BIND,
            ),
            "on_limit": on_limit_field(in_force(here, "on_limit"), key="on_limit", bind=_BIND),
            "cache": cache_field(in_force(here, "cache"), key="cache", bind=_BIND),
            "program": _program_field(here),
        }


def _program_field(here: App) -> Path | None:
    """A saved program to take the task prompt from, where there are any."""
    saved = programs.saved(here.settings.home / "programs")
    if not saved:
        return None
    name = st.selectbox(
        "Program",
        list(saved),
        index=None,
        placeholder="none: our own prompt",
        help="Task prompts that `rlm-app optimize` has written",
        key="program",
        bind=_BIND,
    )
    return saved[name] if name else None


_BIND: Any = "query-params"


def _part_of_repository() -> Selection:
    with st.grid(3):
        ref = st.text_input("Branch, tag or commit", key="ref", bind="query-params", placeholder="the default branch")
        include = st.text_input("Only paths like", key="include", bind="query-params", placeholder="src/**  *.py")
        exclude = st.text_input("Without paths like", key="exclude", bind="query-params", placeholder="tests/**")
    generated = st.toggle("Take lock files, minified and vendored code too", key="generated", bind="query-params")
    return Selection(
        ref=(ref or "").strip() or None,
        include=tuple((include or "").split()),
        exclude=tuple((exclude or "").split()),
        generated=generated,
    )


def setup_line(here: App, model: str | None, sandbox: str | None) -> None:
    """What will answer, where its code runs, and how to get a better one."""
    setup = here.setup_for(visitor.own_keys())
    chosen = model or setup.model
    place = figures.safe(SANDBOXES.get(sandbox or "", setup.sandbox))
    label = KEYLESS_LABEL if chosen == KEYLESS_MODEL else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.html(
            figures.facts(
                f"Model: <b>{figures.safe(chosen)}</b>" + (f" — {label}" if label else ""),
                f'Sandbox: <span title="{figures.safe(setup.sandbox_why)}">{place}</span>',
            ),
            width="content",
        )
        with st.popover("Add a key" if label else "Keys", type="tertiary"):
            st.markdown(
                "A language model needs a key. Set one of these where the server starts, or in its `.env` file, or "
                "bring one for this session in Settings:"
            )
            st.page_link(SETTINGS, label="Open Settings", icon=":material/settings:")
            rows = [[figures.safe(key.name), "set" if key.source else "not set"] for key in setup.keys]
            st.html(figures.table(["variable", ""], rows))
            st.caption("Keys stay on the server: they are in no run, log, address or sandbox.")


def quote_line(here: App, config: RunConfig) -> None:
    """What a run with this model is likely to take, from earlier runs, and what else there is to know of it."""
    st.html(figures.facts(f"Expected: {wording.expected(**vars(here.quote(config.model)))}"))
    for note in here.notes(config):
        st.caption(literal(note))


def question_form(here: App, source: str, chosen: Choices, config: RunConfig | None) -> None:
    """The question box. Submitting starts a run and opens its page."""
    with st.form("ask", border=False):
        text = st.text_area(
            "Question",
            key="question",
            placeholder="What do you want to know?",
            height=110,
            persist_state="session",
        )
        asked = st.form_submit_button("Ask", type="primary", icon=":material/send:")
    if asked and config is not None:
        with user_errors():
            question = Question(text=text or "", choices=lettered(chosen.choices))
            run_id = here.ask(source, question, config, chosen.selection, visitor.own_keys())
            st.session_state[ASKED] = True
            st.switch_page(RUN, query_params={"run": run_id})


def lettered(lines: str) -> dict[str, str]:
    """Choices by letter from A, one for each line with text.

    Raises:
        InvalidQuestion: more choices than letters.
    """
    texts = [line.strip() for line in lines.splitlines() if line.strip()]
    if len(texts) > MAX_CHOICES:
        raise InvalidQuestion(f"There are {len(texts)} choices; {MAX_CHOICES} is the most, one for each letter.")
    return {chr(ord("A") + at): text for at, text in enumerate(texts)}
