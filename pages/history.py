"""History: every run there is, to search, open and delete."""

import streamlit as st

from rlm_app.ui import app
from rlm_app.ui.history import filters, run_list

st.title("History", anchor=False)
run_list(app(), filters())
