"""What the benches on a page come to: their attempts and examples, and a colour for each model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import streamlit as st

from rlm_app.application import App
from rlm_app.charts.colours import colours
from rlm_app.errors import NotFound
from rlm_app.examples import Example
from rlm_app.reports.results import Results, labels, results_of
from rlm_app.ui.text import literal

CHOSEN = "benches"
"""The query parameter that names the benches chosen, on both pages."""


@dataclass(frozen=True)
class Shown:
    """Benches to draw. `examples` may lack some: a data set can be gone. `palette` has every model there is."""

    results: tuple[Results, ...]
    examples: Mapping[str, Example]
    palette: Mapping[str, str]
    literature: bool = True

    @cached_property
    def labels(self) -> dict[str, str]:
        return labels(self.results)

    def bench_of(self, label: str) -> str | None:
        """The bench that a series of a chart is about, by the name it has there."""
        named = [(name, bench_id) for bench_id, name in self.labels.items() if label.startswith(name)]
        return max(named, key=lambda pair: len(pair[0]))[1] if named else None


def shown(here: App, bench_ids: Sequence[str], *, literature: bool = True) -> Shown:
    """The benches with these ids, all of their latest attempts and their examples. Raises: NotFound."""
    bencher = here.bencher
    benches = list({bench.id: bench for bench in map(bencher.bench, bench_ids)}.values())
    attempts = bencher.services.benches.attempts([bench.id for bench in benches])
    examples = {example.id: example for bench in benches for example in bencher.examples(bench)}
    models = [bench.config.model for bench in bencher.services.benches.benches()]
    return Shown(results_of(benches, attempts), examples, colours(models), literature)


def chosen(here: App) -> list[str]:
    """The benches that the address names, whole ids, those left out that are not there."""
    found = []
    for given in st.query_params.get_all(CHOSEN):
        try:
            found.append(here.bencher.bench(given).id)
        except NotFound:
            continue
    return list(dict.fromkeys(found))


def lacking(here: App) -> None:
    """Say which benches the address names that are not there."""
    for given in st.query_params.get_all(CHOSEN):
        try:
            here.bencher.bench(given)
        except NotFound:
            st.caption(f"There is no bench {literal(given, 40)} here.")


def choose(bench_ids: Sequence[str]) -> None:
    """Put the benches chosen into the address."""
    if bench_ids:
        st.query_params[CHOSEN] = list(bench_ids)
    else:
        st.query_params.pop(CHOSEN, None)
