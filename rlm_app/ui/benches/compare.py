"""Benches against each other: what differs, how sure that is, and on which examples."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from rlm_app.application import App
from rlm_app.reports.comparing import Comparison, Flip, Pair, Paired, compare
from rlm_app.reports.results import Results
from rlm_app.ui import figures
from rlm_app.ui.benches.charts import chart
from rlm_app.ui.benches.shown import Shown, choose, chosen
from rlm_app.ui.text import first_sentence, literal, visible

MOST = 4
FLIPS_SEEN = 12
LABEL_CHARS = 75
EXAMPLE = "example"
PICKED = "compared"


def picker(here: App) -> list[str]:
    """The two to four benches that the address names; choosing others changes it."""
    benches = {bench.id: bench for bench in here.bencher.services.benches.benches()}

    def name(bench_id: str) -> str:
        bench = benches[bench_id]
        return visible(f"{bench.config.model} · {bench.dataset}, {bench.split} · {bench_id[:6]}")

    st.session_state[PICKED] = chosen(here)[:MOST]
    st.multiselect(
        "Benches",
        list(benches),
        format_func=name,
        key=PICKED,
        max_selections=MOST,
        on_change=lambda: choose(st.session_state[PICKED]),
        placeholder="Choose two to four",
    )
    return list(st.session_state[PICKED])


def common(shown: Shown, found: Comparison) -> Shown:
    """The same benches with what they did on their common examples alone."""
    kept = set(found.examples)
    return replace(
        shown,
        results=tuple(
            Results(one.bench, tuple(attempt for attempt in one.attempts if attempt.example in kept))
            for one in shown.results
        ),
    )


def comparison(here: App, shown: Shown) -> Comparison:
    """In words, then as a chart: each pair's difference with its interval and McNemar's test."""
    found = compare(*shown.results)
    if not found.examples:
        st.warning("These benches have no example in common that all have ended, so they cannot be compared.")
        return found
    for pair in found.pairs:
        st.markdown(_sentence(found, pair))
    chart("differences", shown)
    return found


def _sentence(found: Comparison, pair: Pair) -> str:
    first, second = found.labels[pair.a], found.labels[pair.b]
    paired = pair.over_all
    points = 100 * (paired.difference or 0.0)
    better, worse = (first, second) if points >= 0 else (second, first)
    low, high = sorted(100 * bound * (1 if points >= 0 else -1) for bound in paired.interval)
    gap = (
        f"**{literal(better, 80)}** is right on {abs(points):.1f} points more than **{literal(worse, 80)}** "
        if points
        else f"**{literal(first, 80)}** and **{literal(second, 80)}** are right equally often "
    )
    return (
        f"{gap}(95 %: {_signed(low)} to {_signed(high)}) on {figures.plural(paired.n, 'common example')}. "
        f"McNemar's exact p is {paired.p:.2g}{_holm(found, paired)}: {_verdict(paired)}"
    )


def _signed(points: float) -> str:
    return f"{points:.1f}".replace("-0.0", "0.0").replace("-", "−")


def _holm(found: Comparison, paired: Paired) -> str:
    return f" ({paired.p_holm:.2g} after Holm over {len(found.pairs)} pairs)" if len(found.pairs) > 1 else ""


def _verdict(paired: Paired) -> str:
    if paired.p_holm <= 0.05:
        return "the difference is settled."
    if not paired.to_settle:
        return "nothing is settled."
    return f"not settled; about {paired.to_settle:,} more examples would settle it at this rate."


def differing(shown: Shown, found: Comparison) -> None:
    """Where benches differ: examples that one had right and the other had not, both ways, beside the grid of all.

    A question or a cell puts its example side by side below.
    """
    st.subheader("Where they differ", anchor=False)
    lists, grid = st.columns(2)
    with lists:
        pair = found.pairs[0]
        if len(found.pairs) > 1:
            pair = st.selectbox(
                "Pair",
                found.pairs,
                format_func=lambda one: f"{found.labels[one.a]} against {found.labels[one.b]}",
                key="pair",
            )
        for bench_id, some in ((pair.a, pair.only_a), (pair.b, pair.only_b)):
            st.markdown(f"Only **{literal(found.labels[bench_id], 80)}** is right: {len(some):,}")
            _flips(shown, some, key=bench_id)
    of_run = {attempt.run_id: attempt.example for result in shown.results for attempt in result.attempts}
    with grid:
        chart("grid", shown, lambda run_id: look_at(of_run[run_id]))


def _flips(shown: Shown, some: Sequence[Flip], *, key: str) -> None:
    seen = some if len(some) <= FLIPS_SEEN or st.toggle("Show all", key=f"all-{key}") else some[:FLIPS_SEEN]
    with st.container(gap=None):
        for flip in seen:
            example = shown.examples.get(flip.example)
            asked = first_sentence(example.question.text, LABEL_CHARS).replace("`", "") if example else flip.example
            if st.button(literal(asked, LABEL_CHARS), type="tertiary", key=f"flip-{key}-{flip.example}"):
                look_at(flip.example)


def look_at(example_id: str) -> None:
    """Put an example into the address, and so side by side."""
    st.query_params[EXAMPLE] = example_id
    st.rerun()
