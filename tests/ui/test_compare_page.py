"""Compare: what differs between benches, how sure that is, and one example side by side."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rlm_app.application import App
from rlm_app.benches import Bench
from rlm_app.model import Question
from rlm_app.ports import RunContext
from tests.benching import Says
from tests.fakes import make_app
from tests.ui.conftest import Open, words
from tests.ui.test_benchmarks_page import run, seed, small, specs


@pytest.fixture
def app(tmp_path: Path) -> App:
    """Of the tiny data set's four questions, whose key is B, the shuffled bench has others right than the plain one."""

    def reply(question: Question, context: RunContext) -> str:
        return "B" if question.text[-2] in "01" else "A"

    return make_app(tmp_path, answerer=Says(reply))


def compared(app: App, open_page: Open, *benches: Bench, **query: str) -> AppTest:
    at = open_page(app, "compare", **query)
    at.query_params["benches"] = [bench.id for bench in benches]
    return at.run()


def pair(app: App) -> tuple[Bench, Bench]:
    return run(app, small(app)), run(app, small(app, shuffle=1))


def test_the_difference_is_told_in_words_and_as_a_chart(app: App, open_page: Open) -> None:
    one, two = pair(app)
    found = app.bencher.compare([one.id, two.id]).pairs[0].over_all
    at = compared(app, open_page, one, two)
    assert not at.exception
    said = words(at)
    assert "on 4 common examples" in said
    assert f"McNemar's exact p is {found.p:.2g}: " in said
    assert "Difference on the same examples" in specs(at)[0]
    assert "Every example, every run" in specs(at)[1]


def test_more_than_one_pair_is_adjusted_for(app: App, open_page: Open) -> None:
    benches = [*pair(app), run(app, small(app, shuffle=3))]
    at = compared(app, open_page, *benches)
    assert words(at).count("after Holm over 3 pairs") == 3
    assert len(at.selectbox(key="pair").options) == 3


def test_flips_lead_side_by_side_and_to_the_runs(app: App, open_page: Open) -> None:
    one, two = pair(app)
    flip = app.bencher.compare([one.id, two.id]).pairs[0]
    flipped = (flip.only_a or flip.only_b)[0].example
    at = compared(app, open_page, one, two)
    assert "Click a cell, or a question above" in words(at)
    next(button for button in at.button if (button.key or "").endswith(flipped)).click().run()
    assert not at.exception
    assert at.query_params["example"] in (flipped, [flipped])
    assert "Side by side" in [title.value for title in at.subheader]
    links = [link for link in at.get("page_link") if "Open the run" in link.proto.label]
    runs = {attempt.run_id for b in (one, two) for attempt in app.bencher.attempts(b.id) if attempt.example == flipped}
    assert {run_id for run_id in runs for link in links if str(run_id) in link.proto.query_string} == runs
    assert sum("Look" in card.label for card in at.expander) == 2, "the steps of both"


def test_what_is_not_there_is_said(app: App, open_page: Open) -> None:
    one, two = pair(app)
    at = compared(app, open_page, one, two, example="*none*")
    assert "There is no example *none* in these benches" in words(at)
    at = open_page(app, "compare", benches="*none*")
    assert not at.exception
    assert "There is no bench *none* here" in words(at)
    assert "Choose two to four benches" in words(at)


def test_benches_without_a_common_example_are_not_compared(app: App, open_page: Open) -> None:
    (other,) = seed(app, ["lab/large"])
    at = compared(app, open_page, other, run(app, small(app)))
    assert not at.exception
    assert "no example in common" in words(at)
    assert not specs(at)


def test_runs_that_are_not_stored_are_said(tmp_path: Path, open_page: Open) -> None:
    app = make_app(tmp_path)
    one, two = seed(app, ["lab/large", "lab/small"], count=5, epochs=2)
    at = compared(app, open_page, one, two, example=one.examples[0])
    assert not at.exception
    assert words(at).count("Its run is not stored here") == 2


def test_choosing_other_benches_changes_the_address(app: App, open_page: Open) -> None:
    one, two = pair(app)
    three = run(app, small(app, shuffle=3))
    at = compared(app, open_page, one, two)
    at.multiselect(key="compared").set_value([one.id, three.id]).run()
    assert at.query_params["benches"] == [one.id, three.id]
    assert not at.exception
