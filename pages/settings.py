"""Settings: what is in force and why, keys, model servers, and defaults for this session."""

import streamlit as st

from rlm_app.ui import app, user_errors
from rlm_app.ui.preferences import keys_panel, models_in_force, prices_panel, servers_panel, session_defaults

st.title("Settings", anchor=False)
for panel in (models_in_force, keys_panel, servers_panel, session_defaults, prices_panel):
    with user_errors():
        panel(app())
