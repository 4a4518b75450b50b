"""One run: its answer or what it does now, and every step of the way. The address `?run=` is all the page holds."""

import streamlit as st

from rlm_app.errors import NotFound
from rlm_app.ui import app
from rlm_app.ui.answer import actions, outcome
from rlm_app.ui.details import details, what_left
from rlm_app.ui.example import verdict
from rlm_app.ui.live import live_status
from rlm_app.ui.places import HISTORY
from rlm_app.ui.status import run_head

try:
    run = app().run(st.query_params.get("run", ""))
except NotFound as error:
    st.title("No such run", anchor=False)
    st.markdown(str(error))
    st.page_link(HISTORY, label="Open History", icon=":material/history:")
    st.stop()

dark = st.context.theme.type == "dark"
run_head(run)
if run.status == "running":
    live_status(app(), run)
else:
    outcome(app(), run, dark=dark)
    verdict(app(), run)
    actions(app(), run)
what_left(app(), run)
details(app(), run, dark=dark)
