"""The list of a data set's examples, what to look for in it, and where data sets come from."""

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import streamlit as st

from rlm_app.application import App
from rlm_app.datasets.collection import STDLIB, STDLIB_EXAMPLES
from rlm_app.datasets.making import Making
from rlm_app.examples import Dataset, Example
from rlm_app.ui import figures
from rlm_app.ui.places import EXAMPLE, Query, example_query
from rlm_app.ui.text import literal
from rlm_app.wording import IMPORT_WORDS

PAGE_SIZE = 12
TICK_SECONDS = 0.5
LOOKED_FOR = "examples_looked_for"
SIZES = {
    "up to 100 k": (0.0, 1e5),
    "100 k to 1 M": (1e5, 1e6),
    "1 M to 10 M": (1e6, 1e7),
    "over 10 M": (1e7, math.inf),
}
"""Bounds of a context, in characters: more than the first, at most the second."""


class Filters(NamedTuple):
    """What the visitor looks for; empty: anything."""

    split: str = ""
    difficulty: str = ""
    length: str = ""
    size: str = ""
    kind: str = ""
    search: str = ""

    def match(self, examples: Sequence[Example], dataset: Dataset) -> list[Example]:
        """Those that fit, in the order of the split."""
        order = {identity: at for at, identity in enumerate(dataset.splits.get(self.split) or dataset.splits["all"])}
        found = [example for example in examples if example.id in order and self._fits(example)]
        return sorted(found, key=lambda example: order[example.id])

    def _fits(self, example: Example) -> bool:
        low, high = SIZES.get(self.size, (-1.0, math.inf))
        exact = ((self.difficulty, example.difficulty), (self.length, example.length), (self.kind, kind_of(example)))
        return (
            all(wanted in ("", found) for wanted, found in exact)
            and low < example.context_chars <= high
            and self.search.casefold() in f"{example.id}\n{example.question.prompt}\n{example.repository}".casefold()
        )


def kind_of(example: Example) -> str:
    """What sort of question it is, as far as its source says."""
    return example.kind or example.sub_domain


def facts_of(example: Example) -> str:
    """HTML of a line of what is known of an example but its key."""
    return figures.facts(
        figures.safe(example.difficulty),
        figures.safe(example.length),
        figures.safe(kind_of(example)),
        figures.safe(example.language),
        f"{figures.amount(example.context_chars)} characters",
    )


def chosen_dataset(stored: Sequence[Dataset]) -> Dataset:
    """The data set that was chosen, the one that the address names, or the first."""
    names = {dataset.name: dataset for dataset in stored}
    return names.get(st.session_state.get("set") or st.query_params.get("set", "")) or stored[0]


def looked_for(dataset: Dataset) -> Filters:
    """What the visitor looked for last in this data set."""
    name, found = st.session_state.get(LOOKED_FOR, ("", Filters()))
    return found if name == dataset.name else Filters()


def list_query(dataset: Dataset) -> Query:
    """Query of the list as the visitor left it."""
    told = {name: value for name, value in looked_for(dataset)._asdict().items() if value}
    return {"set": dataset.name, **told}


def example_list(here: App, dataset: Dataset) -> None:
    """The examples that match, a page at a time; each opens whole."""
    examples = here.collection.datasets.examples(dataset.name)
    filters = _filters(here, dataset, examples)
    st.session_state[LOOKED_FOR] = (dataset.name, filters)
    found = filters.match(examples, dataset)
    slot = st.container(gap="small")
    if not found:
        slot.markdown("No example matches these filters.")
        slot.button("Clear the filters", on_click=_clear)
        return
    pages, page = math.ceil(len(found) / PAGE_SIZE), 1
    with st.container(horizontal=True, vertical_alignment="center"):
        if pages > 1:
            page = min(st.pagination(pages, key="page", bind="query-params"), pages)
        st.caption(f"{len(found):,} of {figures.plural(dataset.examples, 'example')}", width="content")
    with slot:
        for example in found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]:
            _row(dataset, example)


def _row(dataset: Dataset, example: Example) -> None:
    with st.container(gap=None):
        label = literal(example.question.text, 160)
        st.page_link(EXAMPLE, label=label, query_params=example_query(dataset.name, example.id), width="stretch")
        st.html(f'<div style="padding-left:.5rem">{facts_of(example)}</div>')


def _filters(here: App, dataset: Dataset, examples: Sequence[Example]) -> Filters:
    names = [stored.name for stored in here.collection.datasets.datasets()]
    with st.grid("auto", min_column_width=150, gap="small"):
        st.selectbox("Data set", names, key="set", bind="query-params")
        search = st.text_input("Search", key="search", bind="query-params", type="search", placeholder="any text")
        values = {
            "split": [name for name in dataset.splits if name != "all"],
            "difficulty": sorted({example.difficulty for example in examples} - {""}),
            "length": [name for name in ("short", "medium", "long") if any(name == e.length for e in examples)],
            "size": list(SIZES),
            "kind": sorted({kind_of(example) for example in examples} - {""}),
        }
        labels = {"size": "Context, in characters"}
        told = {
            key: _one_of(labels.get(key, key.capitalize()), key, options)
            for key, options in values.items()
            if len(options) > 1 or (key == "split" and options)
        }
    return Filters(search=(search or "").strip(), **told)


def _one_of(label: str, key: str, options: list[str]) -> str:
    """The option chosen, empty for any."""
    return st.selectbox(label, options, index=None, placeholder="any", key=key, bind="query-params") or ""


def _clear() -> None:
    for name in Filters._fields:
        if name in st.session_state:
            st.session_state[name] = "" if name == "search" else None


def offers(here: App, stored: Sequence[Dataset]) -> None:
    """Where data sets come from; the embedded one is a click away."""
    if not stored:
        st.markdown("Here will be questions with known answers, to try a model on. There is none yet.")
    if all(dataset.name != STDLIB for dataset in stored):
        _offer_stdlib(here)
    st.markdown("LongBench-v2's 50 questions about code repositories, or a file of its schema, are imported with")
    st.code("rlm-app dataset import longbench\nrlm-app dataset import FILE --name NAME", language=None)
    st.markdown("and questions about any repository are made with")
    st.code("rlm-app questions SOURCE --name NAME", language=None)


def _offer_stdlib(here: App) -> None:
    making = here.makings.find(STDLIB)
    if making and not making.finished:
        st.fragment(_watch, run_every=TICK_SECONDS)(here, making)
        return
    if making and making.error:
        st.error(literal(making.error, 2000), icon=":material/error:")
    label = f"Make {STDLIB_EXAMPLES} questions from Python's own library"
    if st.button(label, type="primary", icon=":material/auto_stories:"):
        here.makings.start(STDLIB)
        st.rerun()
    st.caption("It takes about ten seconds, and no network: the answers are computed from the code.")


def _watch(here: App, making: Making) -> None:
    if making.finished:
        st.rerun()
    words = [IMPORT_WORDS.get(making.what, making.what), making.note]
    text = " · ".join(literal(word) for word in (*words, figures.seconds(max(time.time() - making.started, 0))) if word)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":shimmer[{text}]", width="stretch")
        if st.button("Stop", icon=":material/stop_circle:", key="stop_making"):
            here.makings.stop(making)
