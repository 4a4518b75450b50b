"""From a click on a chart to its run."""

import pytest
from streamlit.testing.v1 import AppTest

from rlm_app.charts.chart import Axis, Chart, Series
from rlm_app.ui.charts import clicked
from tests.ui.conftest import words

CHART = Chart("c", "T", "H.", Axis("x"), Axis("y"), (Series("s", "bars", (1, 2), (3, 4), runs=("r0", "r1")),))


@pytest.mark.parametrize(
    ("points", "run"),
    [
        ([], None),
        ([{"customdata": "r9"}], "r9"),
        ([{"customdata": ["r9"]}], "r9"),
        ([{"curve_number": 0, "point_index": 1}], "r1"),
        ([{"customdata": None, "curve_number": 0, "point_index": 0}], "r0"),
        ([{"curve_number": 5, "point_index": 0}, {"customdata": "r2"}], "r2"),
    ],
)
def test_a_click_leads_to_a_run(points: list[dict[str, object]], run: str | None) -> None:
    assert clicked(CHART, {"selection": {"points": points}}) == run


def test_nothing_selected_leads_nowhere() -> None:
    assert clicked(CHART, {}) is None


def page() -> None:
    from rlm_app.charts.catalogue import CHARTS
    from rlm_app.ui.charts import show
    from tests.attempts import results

    told = [results(*"++-e", "-"), results(*"+---", "0", model="lab/b")]
    show(CHARTS["differences"](told, {}), {}, key="two", dark=False)
    show(CHARTS["differences"](told[:1], {}), {}, key="one", dark=True)


def test_a_chart_on_a_page_has_its_words_table_and_exports() -> None:
    at = AppTest.from_function(page, default_timeout=30).run()
    assert not at.exception
    said = words(at)
    assert "To the right of 0 the first is better" in said
    assert "one − lab/b" in at.table[0].value.iloc[0, 0]
    assert len(at.get("plotly_chart")) == 1
    assert [button.label for button in at.get("download_button")] == ["Data as CSV"]
    assert at.segmented_control(key="two-form").value == "png"


def test_a_chart_with_nothing_to_show_says_why() -> None:
    at = AppTest.from_function(page, default_timeout=30).run()
    assert [title.value for title in at.subheader] == ["Difference on the same examples"]
    assert "Choose two benches or more to compare them." in words(at)
