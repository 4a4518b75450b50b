"""The list of runs, newest first."""

import math
from typing import get_args

import streamlit as st

from rlm_app.application import App
from rlm_app.model import RunSummary, Status
from rlm_app.ports import RunQuery
from rlm_app.ui import figures
from rlm_app.ui.places import ASK, RUN
from rlm_app.ui.session import user_errors
from rlm_app.ui.status import LOOKS, badge
from rlm_app.ui.text import literal

PAGE_SIZE = 20


def filters() -> RunQuery:
    """What the visitor looks for; all of it is part of the page's address."""
    with st.grid(4, gap="small"):
        text = _text("Search", "find", "search questions")
        status: Status | None = st.selectbox(
            "Status",
            get_args(Status),
            index=None,
            format_func=lambda status: LOOKS[status].word,
            placeholder="any status",
            key="status",
            bind="query-params",
            label_visibility="collapsed",
        )
        repository = _text("Repository", "repo", "any repository")
        model = _text("Model", "by_model", "any model")
    return RunQuery(text=text, repository=repository, model=model, status=status)


def _text(label: str, key: str, placeholder: str) -> str:
    text = st.text_input(
        label, key=key, bind="query-params", type="search", placeholder=placeholder, label_visibility="collapsed"
    )
    return (text or "").strip()


def run_list(here: App, query: RunQuery) -> None:
    """One page of the runs that match, or what to do where there are none."""
    slot = st.container(gap="small")
    _, total = here.store.runs(_part(query, limit=1))
    if not total:
        _nothing(query)
        return
    pages = math.ceil(total / PAGE_SIZE)
    page = 1
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            page = st.pagination(pages, key="page", bind="query-params")
        st.caption(figures.plural(total, "run"), width="content")
    runs, _ = here.store.runs(_part(query, limit=PAGE_SIZE, offset=(min(page, pages) - 1) * PAGE_SIZE))
    with slot:
        for run in runs:
            _row(here, run)


def _part(query: RunQuery, *, limit: int, offset: int = 0) -> RunQuery:
    return RunQuery(query.text, query.repository, query.model, query.status, limit, offset)


def _nothing(query: RunQuery) -> None:
    if query == RunQuery():
        st.markdown("Every question you ask is kept here, with its answer and every step. There is none yet.")
        st.page_link(ASK, label="Ask a codebase", icon=":material/arrow_forward:")
    else:
        st.markdown("No run matches these filters.")
        st.button("Clear the filters", on_click=_clear)


def _clear() -> None:
    for key, blank in (("find", ""), ("repo", ""), ("by_model", ""), ("status", None)):
        st.session_state[key] = blank


def _row(here: App, run: RunSummary) -> None:
    status, question, numbers = st.columns([1.6, 7, 3], vertical_alignment="center", gap="small")
    with status:
        badge(run.status)
    with question.container(gap=None):
        label = literal(run.question, 140) or "no question"
        st.page_link(RUN, label=label, query_params={"run": run.id}, width="stretch")
        where = figures.safe(run.repository or run.source) + (
            f" @ {figures.safe(run.commit[:7])}" if run.commit else ""
        )
        st.html(f'<div style="padding-left:.5rem">{figures.facts(where, figures.safe(run.model))}</div>')
    with numbers.container(horizontal=True, vertical_alignment="center", wrap=False):
        st.html(numbers_of(run) + figures.facts(figures.moment(run.started)), width="stretch")
        if run.status != "running" and st.button(
            ":material/delete:", type="tertiary", key=f"delete-{run.id}", help="Delete this run"
        ):
            confirm_delete(here, run)


def numbers_of(run: RunSummary) -> str:
    """Steps, time and cost. A run under way has no cost yet: that is not a cost unknown."""
    took = "" if run.seconds is None else figures.seconds(run.seconds)
    spent = "" if run.status == "running" and run.cost is None else figures.cost(run.cost)
    return figures.facts(figures.plural(run.steps, "step"), took, spent)


@st.dialog("Delete this run?")
def confirm_delete(here: App, run: RunSummary) -> None:
    """Ask before a run, its steps and its answer are removed for good."""
    st.markdown(literal(run.question, 200))
    st.caption("The run, its steps and its answer are removed for good.")
    with st.container(horizontal=True):
        if st.button("Delete", type="primary", key="delete_now"):
            with user_errors():
                here.delete(run.id)
                st.rerun()
        if st.button("Keep it", key="keep"):
            st.rerun()
