"""Choosing a repository and watching it come in. Nothing is fetched until somebody asks for it."""

import time

import streamlit as st

from rlm_app.application import App
from rlm_app.codebase import Receipt, Selection
from rlm_app.loading import Loading
from rlm_app.ui import figures
from rlm_app.ui.places import PAGES
from rlm_app.ui.text import literal

EXAMPLES = ("pallets/flask", "psf/requests")
TICK_SECONDS = 0.5
PHASES = {"clone": "Cloning", "flatten": "Reading files"}
WANTED = "load_wanted"


def source_field(here: App) -> str:
    """What the visitor wants to ask about, as typed; part of the page's address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        source: str | None = st.text_input(
            "Repository",
            key="source",
            bind="query-params",
            placeholder="https://github.com/owner/name, a page of it" + _or_folder(here),
            on_change=_changed,
        )
        st.button("Load", on_click=_want, icon=":material/download:")
    examples = {name: name for name in EXAMPLES}
    if here.settings.local_paths and (PAGES.parent / ".git").exists():
        examples["this project"] = str(PAGES.parent)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("try:", width="content")
        for label, address in examples.items():
            st.button(label, type="tertiary", on_click=_choose, args=(address,))
    return (source or "").strip()


def _or_folder(here: App) -> str:
    return ", or a folder on this machine" if here.settings.local_paths else ""


def _changed() -> None:
    if (st.session_state["source"] or "").strip():
        _want()


def _want() -> None:
    st.session_state[WANTED] = True


def _choose(address: str) -> None:
    st.session_state["source"] = address
    _want()


def load_panel(here: App, source: str, selection: Selection) -> Receipt | None:
    """The load as it goes, and its receipt once it is there.

    Raises:
        UserError: not a source that can be loaded.
    """
    if st.session_state.pop(WANTED, False):
        here.load(source, selection)
    loading = here.loading(source, selection) if source else None
    if loading is None:
        if source:
            st.caption("Load shows what will be read before you ask; asking without it works too.")
        return None
    if loading.receipt is not None:
        return loading.receipt
    if loading.error is not None:
        st.error(literal(loading.error, 2000), icon=":material/error:")
    elif loading.cancelled:
        st.caption("Loading was stopped; nothing of it was kept.")
    else:
        st.fragment(_watch, run_every=TICK_SECONDS)(here, loading)
    return None


def _watch(here: App, loading: Loading) -> None:
    if loading.finished:
        st.rerun()
    words = [PHASES.get(loading.phase, loading.phase.capitalize()), loading.note]
    words.append(figures.seconds(max(time.time() - loading.started, 0)))
    text = " · ".join(literal(word) for word in words if word)
    with st.container(horizontal=True, vertical_alignment="center"):
        if loading.total:
            st.progress(min(loading.done / loading.total, 1.0), text=text)
        else:
            st.markdown(f":shimmer[{text}]")
        if st.button("Stop", icon=":material/stop_circle:", key="stop_loading"):
            here.stop_loading(loading)
