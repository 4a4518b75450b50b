"""One example: its question, its context, its key on demand, and Ask. The address `?example=dataset/id` names it."""

import streamlit as st

from rlm_app.errors import NotFound
from rlm_app.ui import app
from rlm_app.ui.example import example_view
from rlm_app.ui.places import EXAMPLES

name, _, identity = st.query_params.get("example", "").partition("/")
try:
    dataset = app().collection.datasets.dataset(name)
    (example,) = app().collection.datasets.examples(name, [identity])
except NotFound:
    st.title("No such example", anchor=False)
    st.markdown("There is no such example here; its data set may have been deleted.")
    st.page_link(EXAMPLES, label="Open Examples", icon=":material/list:")
    st.stop()

example_view(app(), dataset, example)
