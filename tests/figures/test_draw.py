"""What the figures hold, read from their data."""

import base64
import json
import time
from typing import Any

import numpy
import pytest

from rlm_app.charts.catalogue import CHARTS
from rlm_app.charts.chart import Axis, Chart, Line, Series
from rlm_app.charts.colours import GREY, TONES, colours
from rlm_app.figures.draw import config, figure, run_at, spec
from rlm_app.reports.results import Results, results_of
from tests.attempts import results
from tests.seeded import MODELS, seeded_bench, seeded_examples

PALETTE = colours(["lab/one", "lab/b"])


def chart(*series: Series, **others: Any) -> Chart:
    plain: dict[str, Any] = {"name": "c", "title": "T", "how": "H.", "x": Axis("x, USD"), "y": Axis("y", "share")}
    return Chart(**{**plain, **others}, series=series)


def dots(**others: Any) -> Series:
    plain = {"name": "s", "mark": "dots", "x": (1.0, 2.0), "y": (0.5, 0.25), "model": "lab/one"}
    return Series(**{**plain, **others})


def several(count: int, epochs: int = 1) -> tuple[list[Results], dict[str, Any]]:
    examples = seeded_examples(count)
    made = [seeded_bench(model, examples, epochs) for model in MODELS]
    attempts = [attempt for _, some in made for attempt in some]
    return list(results_of([bench for bench, _ in made], attempts)), {example.id: example for example in examples}


def test_benches_of_one_model_share_its_colour_and_differ_in_their_marks() -> None:
    drawn = chart(dots(name="one"), dots(name="one, shuffled"), dots(name="b", model="lab/b"))
    one, shuffled, b = (trace.marker for trace in figure(drawn, PALETTE).data)
    assert one.color == shuffled.color != b.color
    assert (one.symbol, b.symbol) == ("circle", "circle")
    assert shuffled.symbol not in ("circle", None)


def test_a_point_has_its_interval_colour_example_and_run() -> None:
    point = dots(low=(0.4, 0.1), high=(0.7, 0.5), examples=("x0", "x1"), runs=("r0", None), notes=("n0", "n1"))
    (trace,) = spec(chart(point), PALETTE)["data"]
    assert trace["error_y"]["array"] == pytest.approx([0.2, 0.25])
    assert trace["error_y"]["arrayminus"] == pytest.approx([0.1, 0.15])
    assert trace["marker"]["color"] == PALETTE["lab/one"]
    assert (trace["customdata"], trace["text"]) == (["r0", None], ["x0<br>n0", "x1<br>n1"])


def test_a_model_keeps_its_colour_in_every_chart_and_references_are_grey() -> None:
    found, known = several(12)
    palette = colours(MODELS)
    for make in CHARTS.values():
        made = make(found, known)
        for series, trace in zip(made.series, spec(made, palette)["data"], strict=False):
            looks = json.dumps([trace.get("marker"), trace.get("line")])
            assert series.mark == "cells" or not series.model or palette[series.model] in looks
            assert series.model or series.tone or GREY in looks or series.mark == "cells"


def test_light_and_dark_differ_where_they_must() -> None:
    light, dark = spec(chart(dots(hollow=True)), PALETTE), spec(chart(dots(hollow=True)), PALETTE, dark=True)
    assert light["layout"]["paper_bgcolor"] != dark["layout"]["paper_bgcolor"]
    assert light["data"][0]["marker"]["color"] == light["layout"]["paper_bgcolor"]  # a ring shows what is behind it
    assert dark["data"][0]["marker"]["color"] == dark["layout"]["paper_bgcolor"]


def test_a_logarithm_is_not_given_an_interval_that_reaches_zero() -> None:
    (trace,) = spec(chart(dots(x_low=(0.0, 1.5), x_high=(2.0, 3.0)), x=Axis("x, USD", "log")), PALETTE)["data"]
    assert trace["error_x"]["arrayminus"] == pytest.approx([0.95, 0.5])


def test_a_line_has_its_interval_as_a_shade_after_all_series() -> None:
    line = dots(mark="line", low=(0.4, 0.1), high=(0.7, 0.5))
    first, second, shade = spec(chart(line, dots(name="t")), PALETTE)["data"]
    assert (first["mode"], second["mode"]) == ("lines+markers", "markers")
    assert (shade["x"], shade["y"]) == ([1.0, 2.0, 2.0, 1.0], [0.7, 0.5, 0.1, 0.4])
    assert shade["fillcolor"].startswith("rgba(")


def test_rows_are_named_above_and_the_lesser_mark_stands_lower() -> None:
    rows = chart(
        dots(y=("a", "b")), dots(name="t", x=(1.0,), y=("b",), hollow=True), y=Axis("", "category", ("a", "b"))
    )
    drawn = spec(rows, PALETTE)
    assert [trace["y"] for trace in drawn["data"]] == [[0.0, 1.0], [1.2]]
    assert {note["text"]: note["y"] for note in drawn["layout"]["annotations"]} == {"a": 0, "b": 1}


def test_cells_are_a_matrix_with_points_to_click_and_a_legend() -> None:
    made = CHARTS["grid"]([results("+", "-", "."), results("e", "+", "c", model="lab/b")], {})
    drawn = spec(made)["data"]
    cells, targets = drawn[0], drawn[1]
    kinds = [kind for kind in TONES if kind in ("right", "wrong", "error", "cancelled")]
    named = [[None if code is None else kinds[code] for code in row] for row in cells["z"]]
    assert dict(zip(cells["y"], named, strict=True)) == {
        "x0": ["right", "error"],
        "x1": ["wrong", "right"],
        "x2": [None, "cancelled"],
    }
    assert len(targets["customdata"]) == len(targets["text"]) == 5
    assert "x2: cancelled" in targets["text"]
    assert [trace["name"] for trace in drawn[2:]] == kinds


def test_panels_have_axes_of_their_own() -> None:
    drawn = spec(CHARTS["steps"]([results("+-"), results("--", model="lab/b")], {}))
    assert {trace.get("yaxis", "y") for trace in drawn["data"]} == {"y", "y2"}
    upper, lower = drawn["layout"]["yaxis"]["domain"], drawn["layout"]["yaxis2"]["domain"]
    assert upper[0] > lower[1]
    assert [note["text"] for note in drawn["layout"]["annotations"]] == ["lab/one", "lab/b"]


def test_a_line_across_has_its_label_and_source() -> None:
    layout = spec(chart(dots(), lines=(Line("random", 0.25, "y", "one in four"),)), PALETTE)["layout"]
    assert [(shape["y0"], shape["y1"]) for shape in layout["shapes"]] == [(0.25, 0.25)]
    assert [(note["text"], note["hovertext"]) for note in layout["annotations"]] == [("random", "one in four")]


def test_a_chart_says_on_itself_what_could_mislead() -> None:
    told = spec(chart(dots(), n="n = 2", warnings=("Few & far.", "b", "c", "d", "e")), PALETTE)["layout"]["title"]
    assert told["text"] == "<b>T</b>"
    assert "n = 2" in told["subtitle"]["text"]
    assert "⚠ Few &amp; far." in told["subtitle"]["text"]
    assert "⚠ 2 more below." in told["subtitle"]["text"]


def test_text_of_others_is_never_markup() -> None:
    bad = "<a href='https://evil.example'>x</a><b>"
    made = chart(
        dots(name=bad, x=(bad, "b"), examples=(bad, bad), notes=(bad, bad)),
        x=Axis("", "category", (bad, "b")),
        lines=(Line(bad, 0.5, "y", bad),),
        panels=(bad,),
        warnings=(bad,),
    )
    assert "<a" not in json.dumps(spec(made, PALETTE))


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("stories", [("",), (".",), ("e",), ("c0l", "+-e"), ("++", "+-")])
def test_whatever_there_is_can_be_drawn(name: str, stories: tuple[str, ...]) -> None:
    found = [results(*story, model=f"lab/{at}") for at, story in enumerate(stories) if story]
    made = figure(CHARTS[name](found, {}), dark=True)
    json.loads(made.to_json(), parse_constant=lambda value: pytest.fail(f"{value} is no JSON"))


def test_the_run_behind_a_point() -> None:
    made = chart(dots(runs=("r0", None)), dots(name="t"))
    assert [run_at(made, *place) for place in [(0, 0), (0, 1), (0, 2), (1, 0), (2, 0), (-1, 0)]] == ["r0", *[None] * 5]


def test_the_browser_saves_an_image_at_twice_the_size() -> None:
    assert config(chart())["toImageButtonOptions"] == {"format": "png", "filename": "rlm-app-c", "scale": 2}
    assert config(chart(), "svg")["toImageButtonOptions"]["format"] == "svg"


def test_many_numbers_travel_as_32_bit_floats() -> None:
    made = figure(chart(dots(x=tuple(map(float, range(500))), y=(0.5,) * 500)), PALETTE)
    sent = json.loads(made.to_json())["data"][0]["x"]
    assert sent["dtype"] == "f4"
    assert numpy.frombuffer(base64.b64decode(sent["bdata"]), "f4").tolist() == list(range(500))


@pytest.mark.parametrize("name", CHARTS)
def test_four_benches_of_503_examples_stay_small(name: str) -> None:
    found, known = several(503)
    start = time.process_time()
    sent = figure(CHARTS[name](found, known), colours(MODELS)).to_json()
    assert time.process_time() - start < 1.5  # 0.5 where nothing else runs; a first figure imports plotly too
    assert len(sent) < 500_000
