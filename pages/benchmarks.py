"""Benchmarks: every bench with its figures and charts, one bench whole, and how to start another."""

import streamlit as st

from rlm_app.errors import NotFound
from rlm_app.reports.leaderboard import literature, usual
from rlm_app.ui import app, user_errors
from rlm_app.ui.benches.bench import bench_view
from rlm_app.ui.benches.board import MOST_CHARTED, board, choice_line, filters, rows
from rlm_app.ui.benches.charts import chart_picker, first_charts, leading, others
from rlm_app.ui.benches.progress import unfinished
from rlm_app.ui.benches.shown import chosen, lacking, shown
from rlm_app.ui.benches.starting import first_visit, start_form
from rlm_app.ui.text import literal

if bench_id := st.query_params.get("bench"):
    try:
        bench_view(app(), app().bencher.bench(bench_id))
        st.stop()
    except NotFound:
        st.caption(f"There is no bench {literal(bench_id, 40)} here; these are those there are.")

st.title("Benchmarks", anchor=False)
every = rows(app())
if not every:
    first_visit(app())
    start_form(app())
    st.stop()

lacking(app())
unfinished(app(), every)
wanted, known = filters(every)
found = [row for row in every if wanted.fits(row)]
board(found, literature(found, wanted) if known else ())
charted = usual(found, MOST_CHARTED)
choice_line(app(), charted)
ids = chosen(app())[:MOST_CHARTED] or [row.bench.id for row in charted]
if ids:
    with user_errors():
        seen = shown(app(), ids, literature=known)
        first = leading(seen)
        first_charts(seen, first)
        chart_picker(seen, others(first), key="chart", without=first)
start_form(app())
