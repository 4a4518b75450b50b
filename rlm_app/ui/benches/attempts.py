"""The attempts of a bench as a table: each opens its run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from rlm_app.benches import Attempt, Outcome
from rlm_app.examples import Example
from rlm_app.reports.breakdowns import BREAKDOWNS
from rlm_app.reports.results import Results
from rlm_app.ui.benches.shown import Shown
from rlm_app.ui.places import RUN
from rlm_app.ui.text import first_sentence, visible

OUTCOMES: tuple[Outcome, ...] = ("right", "wrong", "no answer", "limit", "error", "cancelled", "running", "waiting")
MARKS: Mapping[Outcome, str] = {
    "right": "✓", "wrong": "✗", "no answer": "–", "limit": "◷", "error": "!", "cancelled": "×", "running": "▸",
    "waiting": "·",
}  # fmt: skip
OPEN = "open_attempt"
ROWS_SEEN = 16
LABEL_CHARS = 90


def attempt_table(shown: Shown, result: Results) -> None:
    """The latest attempts that match the filters; all of these are part of the address."""
    fits = _filters(shown, result)
    found = [attempt for attempt in result.attempts if fits(attempt)]
    if not found:
        st.caption("No attempt matches these filters.")
        return
    st.caption(f"{len(found):,} of {len(result.attempts):,}. A question opens its run.")
    several = result.bench.epochs > 1
    cells = [_cells(attempt, shown.examples.get(attempt.example), several=several) for attempt in found]

    def on_open() -> None:
        place = st.session_state[OPEN]["row"]
        if place < len(found):
            st.session_state["opening_run"] = found[place].run_id

    st.dataframe(
        {name: [row[name] for row in cells] for name in cells[0]},
        hide_index=True,
        key="attempts",
        column_config=_columns(on_open, cells),
        height="content" if len(cells) <= ROWS_SEEN else 35 * (ROWS_SEEN + 1),
        placeholder="–",
        alt="Attempts",
    )
    if run_id := st.session_state.pop("opening_run", None):
        st.switch_page(RUN, query_params={"run": run_id})


def _filters(shown: Shown, result: Results) -> Callable[[Attempt], bool]:
    there = [outcome for outcome in OUTCOMES if result.outcomes[outcome]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input(
            "Search", key="find", bind="query-params", type="search", placeholder="any text", width=220
        )
        offered = parts(shown.examples, result)
        part = st.selectbox("Part", offered, index=None, placeholder="any", key="part", bind="query-params", width=260)
        outcomes = st.pills("Outcome", there, selection_mode="multi", key="outcome", bind="query-params")
    looked_for = (text or "").strip().casefold()

    def fits(attempt: Attempt) -> bool:
        example = shown.examples.get(attempt.example)
        told = f"{attempt.example}\n{example.question.prompt if example else ''}\n{attempt.error or ''}".casefold()
        return (
            (not outcomes or attempt.outcome in outcomes)
            and looked_for in told
            and (not part or (example is not None and part in parts_of(example)))
        )

    return fits


def parts(examples: Mapping[str, Example], result: Results) -> list[str]:
    """Every group of every breakdown that there is among the examples of a bench, as `difficulty: hard`."""
    mine = [examples[example] for example in result.bench.examples if example in examples]
    return sorted({part for example in mine for part in parts_of(example)})


def parts_of(example: Example) -> list[str]:
    return [f"{by}: {place(example)[1]}" for by, place in BREAKDOWNS.items() if place(example)[1]]


def _cells(attempt: Attempt, example: Example | None, *, several: bool) -> dict[str, Any]:
    question = first_sentence(example.question.text, LABEL_CHARS) if example else attempt.example
    measures, ended = attempt.measures, attempt.seconds is not None
    return {
        "question": visible(question).replace("`", "") or attempt.example,
        "outcome": f"{MARKS[attempt.outcome]} {attempt.outcome}",
        "given": attempt.predicted,
        "key": example.expected if example else None,
        "steps": attempt.steps if ended else None,
        "cost": attempt.usage.cost if ended else None,
        "tokens": attempt.usage.tokens_in + attempt.usage.tokens_out if ended else None,
        "seconds": attempt.seconds,
        "sub_calls": measures.sub_calls if ended else None,
        "read": None if measures.coverage is None else 100 * measures.coverage,
        "epoch": attempt.epoch if several else None,
        "error": visible(attempt.error)[:300] if attempt.error else None,
    }


_COLUMNS: Mapping[str, tuple[str, str]] = {
    "question": ("Question", ""),
    "outcome": ("Outcome", ""),
    "given": ("Given", ""),
    "key": ("Key", ""),
    "steps": ("Steps", "%d"),
    "seconds": ("Seconds", "%.1f"),
    "cost": ("USD", "$%.4f"),
    "tokens": ("Tokens", "compact"),
    "sub_calls": ("Sub-calls", "%d"),
    "read": ("Read", "%.2f %%"),
    "epoch": ("Epoch", "%d"),
    "error": ("Error", ""),
}


def _columns(on_open: Any, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, (label, form) in _COLUMNS.items():
        if all(row[name] is None for row in cells):
            config[name] = None
        elif name == "question":
            config[name] = st.column_config.ButtonColumn(
                label, type="tertiary", alignment="left", on_click=on_open, key=OPEN, width=430, help="Opens the run"
            )
        elif form:
            told = (
                "Distinct lines of the context that were printed or sent to the sub-model" if name == "read" else None
            )
            config[name] = st.column_config.NumberColumn(label, format=form, help=told)
        else:
            config[name] = st.column_config.TextColumn(label)
    return config
