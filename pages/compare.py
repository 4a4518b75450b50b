"""Compare: two to four benches on the examples that they have in common, down to single steps."""

import streamlit as st

from rlm_app.ui import app, user_errors
from rlm_app.ui.benches.charts import chart_picker, others
from rlm_app.ui.benches.compare import common, comparison, differing, picker
from rlm_app.ui.benches.shown import chosen, lacking, shown
from rlm_app.ui.benches.side_by_side import side_by_side
from rlm_app.ui.places import BENCHMARKS

st.page_link(BENCHMARKS, label="All benches", icon=":material/arrow_back:")
st.title("Compare", anchor=False)
lacking(app())
picker(app())
ids = chosen(app())[:4]
if len(ids) < 2:
    st.markdown("Choose two to four benches: they are compared on the examples that all of them have ended.")
    st.stop()

with user_errors():
    seen = shown(app(), ids)
    found = comparison(app(), seen)
    if found.examples:
        alike = common(seen, found)
        differing(alike, found)
        side_by_side(app(), alike)
        chart_picker(alike, others(("differences", "grid")), key="chart")
