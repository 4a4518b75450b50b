"""Numbers and times carry units and never lie about what is unknown."""

from hypothesis import given
from hypothesis import strategies as st

from rlm_app.ui import figures

NOW = 1_790_000_000.0


@given(st.text())
def test_a_text_of_others_is_one_harmless_line(text: str) -> None:
    shown = figures.safe(text)
    assert not set(shown) & set("<>\"'\n")
    assert len(figures.safe("x" * 1000)) == 200
