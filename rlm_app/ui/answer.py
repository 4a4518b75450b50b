"""How a run ended: the answer and the lines it rests on, or why there is none."""

import time

import streamlit as st

from rlm_app import wording
from rlm_app.application import App
from rlm_app.citations import mark
from rlm_app.codebase import Corpus
from rlm_app.export import to_markdown
from rlm_app.model import KEYLESS_LABEL, Citation, Run
from rlm_app.ui import figures, visitor
from rlm_app.ui.details import events_json
from rlm_app.ui.excerpt import excerpt_html
from rlm_app.ui.places import ASK, again, follow_up
from rlm_app.ui.session import user_errors
from rlm_app.ui.status import EXPLAINED
from rlm_app.ui.text import literal, prose

RESUME_SECONDS = 0.5
MAX_CITATIONS = 100  # a model may cite without end, and each is a widget
MARKS = {
    "verified": ":green[:material/check_circle:] verified",
    "not found": ":red[:material/cancel:] not found",
    "out of range": ":orange[:material/error:] out of range",
}


def outcome(here: App, run: Run, *, dark: bool) -> None:
    """The answer with its citations; for a run without one, the sentence that says why."""
    if run.answer is not None and run.status in ("answered", "extracted", "limit"):
        with st.container(border=True):
            if run.keyless:
                st.caption(f"{KEYLESS_LABEL}: it finds passages, it does not reason")
            if run.status != "answered":
                st.markdown(f":orange-badge[:material/short_text: {wording.outcome(run)}]")
            numbered = mark(run.answer, run.citations, _reference)
            st.html(prose(numbered, dark=dark))
            evidence(here, run, dark=dark)
        return
    sentence = literal(run.error or EXPLAINED.get(run.status, ""), 2000)
    if run.status == "failed":
        st.error(sentence, icon=":material/error:")
    elif run.status == "limit":
        st.warning(sentence, icon=":material/timer_off:")
    else:
        st.info(literal(EXPLAINED[run.status]), icon=":material/info:")
    if run.steps:
        st.caption(f"{figures.plural(len(run.steps), 'step')} kept below.")


def _reference(number: int, citation: Citation) -> str:
    """How a citation reads inside the answer: file name and lines are enough there, the path stands below."""
    name = citation.label.rpartition("/")[2].replace("`", "'")
    return f"`{name}` **[{number}]**"


def evidence(here: App, run: Run, *, dark: bool) -> None:
    """The cited lines, each with whether they are there; the first that is verified is open."""
    if not run.citations:
        st.caption("This answer cites no lines.")
        return
    verified = sum(citation.status == "verified" for citation in run.citations)
    st.caption(f"{verified} of {figures.plural(len(run.citations), 'citation')} verified")
    opened = next((at for at, found in enumerate(run.citations) if found.status == "verified"), None)
    with st.container(gap="xsmall"):
        for at, citation in enumerate(run.citations[:MAX_CITATIONS]):
            label = f"{MARKS[citation.status]}  **{at + 1}**  {literal(citation.label)}"
            card = st.expander(label, expanded=at == opened, type="compact", key=f"cite-{at}", on_change="rerun")
            if card.open:
                with card, user_errors():
                    _cited(here, run, citation, dark=dark)
    if len(run.citations) > MAX_CITATIONS:
        st.caption(f"The first {MAX_CITATIONS} are shown; Export has them all.")


def _cited(here: App, run: Run, citation: Citation, *, dark: bool) -> None:
    if run.receipt is None:
        return
    corpus = here.corpus(run.receipt.digest)
    html = excerpt_html(corpus, citation, dark=dark)
    if html:
        st.html(html)
    else:
        st.caption(_why_no_lines(corpus, citation))
    if citation.quote and citation.status == "not found":
        st.caption("Quoted, but not in these lines:")
        st.code(citation.quote[:2000], language=None, wrap_lines=True)
    if citation.url and citation.url.startswith("https://"):
        st.link_button("Open on the host", citation.url, type="tertiary", icon=":material/open_in_new:")


def _why_no_lines(corpus: Corpus, citation: Citation) -> str:
    span = corpus.span(citation.path)
    if span is None:
        return "No such file is among those that were read."
    return f"That file has {figures.plural(span.lines, 'line')}."


def actions(here: App, run: Run) -> None:
    """What one may do next with a run that has ended."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if run.status == "interrupted" and st.button("Go on", icon=":material/resume:", type="primary", key="resume"):
            with user_errors():
                here.resume(run.id, visitor.own_keys())
                time.sleep(RESUME_SECONDS)  # until the run says that it is taken up, so that the page shows it so
                st.rerun()
        st.page_link(ASK, label="Ask a follow-up", icon=":material/reply:", query_params=follow_up(run))
        st.page_link(ASK, label="Run again with…", icon=":material/replay:", query_params=again(run))
        with st.popover("Share", icon=":material/link:", type="tertiary"):
            st.caption("Whoever has this link and reaches this server can read the run.")
            st.code(_address(run), language=None, wrap_lines=True)
        with st.popover("Export", icon=":material/download:", type="tertiary"):
            name = f"run-{run.id}"
            st.download_button("Markdown", lambda: to_markdown(run), f"{name}.md", "text/markdown", on_click="ignore")
            st.download_button(
                "Events as JSON",
                lambda: events_json(here, run),
                f"{name}.json",
                "application/json",
                on_click="ignore",
            )


def _address(run: Run) -> str:
    page = (st.context.url or "").split("?")[0]
    return f"{page}?run={run.id}"
