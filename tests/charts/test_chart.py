"""CSV of charts, colours, and what every chart of the catalogue promises."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.charts.accuracy import forest
from rlm_app.charts.budgets import steps
from rlm_app.charts.catalogue import CHARTS
from rlm_app.charts.chart import to_csv
from rlm_app.charts.colours import OKABE_ITO, colours
from rlm_app.charts.references import REFERENCES
from rlm_app.reports.results import results_of
from rlm_app.scoring import wilson
from tests.attempts import example_of, results
from tests.seeded import MODELS, seeded_bench, seeded_examples


def test_csv_has_every_point_with_its_interval_and_the_lines_with_their_source() -> None:
    chart = forest([results(*"+-e")], {f"x{n}": example_of(n) for n in range(3)})
    rows = list(csv.DictReader(to_csv(chart).splitlines(True)))
    assert [row["series"] for row in rows] == ["lab/one", "lab/one, over answered", "random"]
    assert float(rows[0]["right answers, share"]) == pytest.approx(1 / 3)
    assert float(rows[0]["x_low"]) == wilson(1, 3).low
    assert (rows[2]["right answers, share"], rows[2]["note"]) == ("0.25", "one over the number of choices")


def test_csv_names_panels() -> None:
    rows = list(csv.DictReader(to_csv(steps([results("+"), results("-", model="lab/b")], {})).splitlines(True)))
    assert {row["panel"] for row in rows} == {"lab/one", "lab/b"}


@given(st.sets(st.text(min_size=1), max_size=len(OKABE_ITO)))
def test_seven_models_have_seven_colours_whatever_their_order(models: set[str]) -> None:
    given_out = colours(models)
    assert given_out == colours(sorted(models, reverse=True))
    assert len(set(given_out.values())) == len(models)


def test_references_are_shares_with_a_source() -> None:
    assert len(REFERENCES) == len({reference.label for reference in REFERENCES})
    for reference in REFERENCES:
        assert 0 < reference.value < 1
        assert reference.source
    tutorial = REFERENCES[-1]
    assert round(tutorial.value * (tutorial.n or 0)) == 13


EXAMPLES = seeded_examples(12)
MADE = [seeded_bench(model, EXAMPLES, epochs=2) for model in MODELS]
SEVERAL = results_of([bench for bench, _ in MADE], [attempt for _, attempts in MADE for attempt in attempts])


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_says_what_it_shows_of_how_much_and_how_to_read_it(name: str) -> None:
    chart = CHARTS[name](SEVERAL, {example.id: example for example in EXAMPLES})
    assert chart.name == name
    assert not chart.empty
    assert chart.title
    assert chart.how.endswith(".")
    assert chart.n.startswith("n = ")
    assert chart.x.title or chart.x.kind == "category"
    assert chart.y.title or chart.y.kind == "category"
    assert "\n".join(chart.warnings).count("Few examples") == 1
    for series in chart.series:
        columns = (series.y, series.low, series.high, series.x_low, series.x_high, series.z, series.n)
        for column in (*columns, series.examples, series.runs, series.notes):
            assert len(column) in (0, len(series.x))


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("story", ["", ".", "e", "c0l"])
def test_no_chart_fails_on_what_is_missing(name: str, story: str) -> None:
    chart = CHARTS[name]([results(*story)] if story else [], {})
    to_csv(chart)
    assert chart.empty or story not in ("", ".")
