"""Ask a codebase: choose a repository, see what will be read, ask."""

import streamlit as st

from rlm_app.ui import app, user_errors, visitor
from rlm_app.ui.question import question_form, quote_line, seed_from_address, settings_panel, setup_line
from rlm_app.ui.receipt import receipt_card, suggestions
from rlm_app.ui.source import load_panel, source_field

st.title("Ask a codebase", anchor=False)
seed_from_address("question", "choices")
source = source_field(app())
loaded, setup = st.container(), st.container()

chosen = settings_panel(app())
config = None
with user_errors():
    config = app().config(keys=visitor.own_keys(), **chosen.changes)
with setup, user_errors():
    setup_line(app(), chosen.changes["model"], chosen.changes["sandbox"])
    if config:
        quote_line(app(), config)
with loaded, user_errors():
    if receipt := load_panel(app(), source, chosen.selection):
        receipt_card(app(), receipt)
        suggestions(app(), receipt)

question_form(app(), source, chosen, config)
