"""One example as several benches went about it, side by side."""

import streamlit as st

from rlm_app.application import App
from rlm_app.benches import Attempt
from rlm_app.errors import NotFound
from rlm_app.reports.results import Results
from rlm_app.ui import figures
from rlm_app.ui.benches.compare import EXAMPLE
from rlm_app.ui.benches.shown import Shown
from rlm_app.ui.places import RUN
from rlm_app.ui.session import user_errors
from rlm_app.ui.text import literal, prose
from rlm_app.ui.trajectory import timeline

COLOURS = {"right": "green", "wrong": "red", "limit": "orange", "error": "red"}
ICONS = {"right": "check_circle", "wrong": "cancel", "limit": "timer_off", "error": "error"}


def side_by_side(here: App, shown: Shown) -> None:
    """The example that the address names: question, key, and what each bench answered and did."""
    chosen = st.query_params.get(EXAMPLE)
    asked = [result for result in shown.results if chosen in result.bench.examples]
    if not chosen:
        st.caption("Click a cell, or a question above, to see what each bench did there.")
        return
    if not asked:
        st.caption(f"There is no example {literal(chosen, 60)} in these benches.")
        return
    dark = st.context.theme.type == "dark"
    st.subheader("Side by side", anchor=False)
    if example := shown.examples.get(chosen):
        st.html(prose(example.question.text, dark=dark))
        with st.expander("Choices and key", type="compact", key="choices_and_key"):
            lines = [f"- **{letter}** {text}" for letter, text in example.question.choices.items()]
            st.html(prose("\n".join([*lines, "", f"The answer is **{example.expected}**."]), dark=dark))
    for at in range(0, len(asked), 2):
        for column, result in zip(st.columns(2), asked[at : at + 2], strict=False):
            with column, user_errors():
                _attempts(here, shown, result, chosen, dark)


def _attempts(here: App, shown: Shown, result: Results, example_id: str, dark: bool) -> None:
    st.markdown(f"**{literal(shown.labels[result.bench.id], 80)}**")
    attempts = [attempt for attempt in result.attempts if attempt.example == example_id]
    attempt = attempts[0]
    if len(attempts) > 1:
        epoch = st.segmented_control(
            "Epoch", [one.epoch for one in attempts], default=attempt.epoch, key=f"epoch-{result.bench.id}"
        )
        attempt = next((one for one in attempts if one.epoch == epoch), attempt)
    _head(attempt)
    try:
        run = here.run(attempt.run_id or "")
    except NotFound:
        st.caption("Its run is not stored here.")
        return
    st.page_link(RUN, label="Open the run", icon=":material/open_in_full:", query_params={"run": run.id})
    timeline(here, run, dark, f"{result.bench.id}-{attempt.epoch}-")


def _head(attempt: Attempt) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        icon = f":material/{ICONS.get(attempt.outcome, 'help')}:"
        st.badge(attempt.outcome, icon=icon, color=COLOURS.get(attempt.outcome, "gray"))  # type: ignore[arg-type]
        st.html(
            figures.facts(
                f"answered {figures.safe(attempt.predicted)}" if attempt.predicted else "",
                figures.plural(attempt.steps, "step"),
                figures.cost(attempt.usage.cost),
                "" if attempt.seconds is None else figures.seconds(attempt.seconds),
            ),
            width="content",
        )
    if attempt.error:
        st.caption(literal(attempt.error, 400))
