"""One example whole: its question, its context and its key; and how a run that asked it did."""

from collections.abc import Sequence

import streamlit as st

from rlm_app.application import App
from rlm_app.codebase import Corpus
from rlm_app.errors import NotFound
from rlm_app.examples import SOURCE_PREFIX, Dataset, Example, source_of
from rlm_app.model import Run, RunConfig
from rlm_app.scoring import letter
from rlm_app.ui import figures, visitor
from rlm_app.ui.examples import facts_of, list_query, looked_for
from rlm_app.ui.places import EXAMPLE, EXAMPLES, RUN, example_query
from rlm_app.ui.question import quote_line, run_settings, setup_line
from rlm_app.ui.receipt import tree
from rlm_app.ui.session import user_errors
from rlm_app.ui.text import literal, prose, visible

FIRST_LINES = 40
MAX_LINE_CHARS = 300
CHARS_A_TOKEN = 3.6  # as `Receipt.tokens` counts


def example_view(here: App, dataset: Dataset, example: Example) -> None:
    """An example to read and to ask; the key is hidden until it is asked for."""
    dark = st.context.theme.type == "dark"
    st.title(f"Example of {literal(dataset.name)}", anchor=False)
    _ways_on(here, dataset, example)
    st.html(facts_of(example))
    st.html(prose(example.question.text, dark=dark))
    with st.container(gap="xsmall", border=True):
        for name, choice in example.question.choices.items():
            st.html(
                f'<div style="display:flex;gap:.7em"><b>{name}</b><div style="min-width:0">{prose(choice, dark=dark)}'
                "</div></div>"
            )
    if st.toggle("Show the answer", key=f"key-{example.id}"):
        st.html(prose(_key(example, example.expected), dark=dark))
    with user_errors():
        _context(here.corpus(example.context))
    _ask(here, dataset, example)


def _ways_on(here: App, dataset: Dataset, example: Example) -> None:
    """Back to the list, and to the neighbours in it."""
    found = looked_for(dataset).match(here.collection.datasets.examples(dataset.name), dataset)
    ids = [other.id for other in found]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.page_link(EXAMPLES, label="All examples", icon=":material/list:", query_params=list_query(dataset))
        if example.id in ids:
            at = ids.index(example.id)
            for label, icon, other in (("Previous", "chevron_left", at - 1), ("Next", "chevron_right", at + 1)):
                # No link: one to the page that is open is drawn as chosen.
                if 0 <= other < len(ids) and st.button(label, icon=f":material/{icon}:", type="tertiary"):
                    st.switch_page(EXAMPLE, query_params=example_query(dataset.name, ids[other]))
            st.caption(f"{at + 1:,} of {len(ids):,}", width="content")


def _key(example: Example, name: str) -> str:
    """The key in words; `name` is its letter where it is shown, which a bench may have changed."""
    where = f"\n\nIt stands in {', '.join(f'`{place}`' for place in example.evidence)}." if example.evidence else ""
    return f"The answer is **{name}**. {example.question.choices[example.expected]}{where}"


def _context(corpus: Corpus) -> None:
    """How large the context is, and on demand what it begins with and its files."""
    lines = sum(span.lines for span in corpus.files)
    st.html(
        figures.facts(
            f"<b>Context</b> {figures.safe(corpus.name)}",
            f"{len(corpus.text):,} characters",
            f"~{figures.amount(len(corpus.text) / CHARS_A_TOKEN)} tokens",
            figures.plural(lines, "line"),
            figures.plural(len(corpus.files), "file"),
        )
    )
    first = st.expander("First lines", type="compact", on_change="rerun", key="first_lines")
    if first.open:
        first.code("\n".join(_first_lines(corpus.text)), language=None)
    if len(corpus.files) > 1:
        files = st.expander("Files", type="compact", on_change="rerun", key="files")
        if files.open:
            files.html(tree(corpus))


def _first_lines(text: str) -> Sequence[str]:
    head = text[: FIRST_LINES * MAX_LINE_CHARS * 4].split("\n")[:FIRST_LINES]
    cut = (line if len(line) <= MAX_LINE_CHARS else f"{line[:MAX_LINE_CHARS]}…" for line in head)
    return [visible(line) for line in cut]


def _ask(here: App, dataset: Dataset, example: Example) -> None:
    slot, config = st.container(), None
    with st.expander("Settings", icon=":material/tune:"):
        changes = run_settings(here)
    with user_errors():
        config = here.config(keys=visitor.own_keys(), **changes)
    with slot, user_errors():
        setup_line(here, changes["model"], changes["sandbox"])
        if config:
            quote_line(here, config)
    if st.button("Ask this", type="primary", icon=":material/send:", disabled=config is None):
        with user_errors():
            _start(here, dataset, example, config)


def _start(here: App, dataset: Dataset, example: Example, config: RunConfig | None) -> None:
    source = source_of(dataset.name, example.id)
    run_id = here.ask(source, example.question, config, None, visitor.own_keys())
    st.switch_page(RUN, query_params={"run": run_id})


def verdict(here: App, run: Run) -> None:
    """For a run that asked an example: right or wrong against the key, and the key on demand."""
    found = _asked(here, run)
    if found is None:
        return
    dataset, example, expected = found
    query = example_query(dataset, example.id)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if run.answer is not None:
            st.markdown(_word(letter(run.answer, run.question.choices), expected), width="content")
        st.page_link(EXAMPLE, label=f"Example of {literal(dataset)}", icon=":material/quiz:", query_params=query)
    with st.expander("The key", type="compact", key="key"):
        st.html(prose(_key(example, expected), dark=st.context.theme.type == "dark"))


def _word(given: str | None, expected: str) -> str:
    if given is None:
        return ":gray[:material/help:] names no choice, or more than one"
    if given == expected:
        return f":green[:material/check_circle:] **{given}** is right against the key"
    return f":red[:material/cancel:] **{given}** is wrong against the key"


def _asked(here: App, run: Run) -> tuple[str, Example, str] | None:
    """Data set and example that a run asked, and the letter of the key in the order that the run saw.

    None where it asked none, it is gone, or its choices were changed.
    """
    if not run.source.startswith(SOURCE_PREFIX):
        return None
    dataset, _, identity = run.source.removeprefix(SOURCE_PREFIX).partition("/")
    try:
        example = here.collection.datasets.examples(dataset, [identity])[0]
    except NotFound:
        return None
    right = example.question.choices[example.expected]
    shown = [name for name, choice in run.question.choices.items() if choice == right]
    return (dataset, example, shown[0]) if len(shown) == 1 else None
