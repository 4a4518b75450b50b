"""Examples: questions with known answers, to look through."""

import streamlit as st

from rlm_app.ui import app
from rlm_app.ui.examples import chosen_dataset, example_list, offers

st.title("Examples", anchor=False)
stored = app().collection.datasets.datasets()
if not stored:
    offers(app(), stored)
    st.stop()

example_list(app(), chosen_dataset(stored))
with st.expander("More data sets", icon=":material/add:", expanded=app().makings.under_way("stdlib")):
    offers(app(), stored)
