"""The script that Streamlit runs for every page: navigation on top, then the page, at most 1,200 px wide."""

import streamlit as st

from rlm_app.ui.places import ASK, BENCHMARKS, COMPARE, EXAMPLE, EXAMPLES, HISTORY, RUN, SETTINGS
from rlm_app.ui.session import user_errors

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#0B6E6E"/>'
    '<path d="M4 5l3 3-3 3M8.5 11.5h4" stroke="#fff" stroke-width="1.6" fill="none"/></svg>'
)
CONTENT_PIXELS = 1200

st.logo(ICON, size="small")
page = st.navigation(
    [
        st.Page(ASK, title="Ask", default=True),
        st.Page(EXAMPLES, title="Examples", url_path="examples"),
        st.Page(HISTORY, title="History", url_path="history"),
        st.Page(BENCHMARKS, title="Benchmarks", url_path="benchmarks"),
        st.Page(SETTINGS, title="Settings", url_path="settings", icon=":material/settings:"),
        st.Page(EXAMPLE, title="Example", url_path="example", visibility="hidden"),
        st.Page(RUN, title="Run", url_path="run", visibility="hidden"),
        st.Page(COMPARE, title="Compare", url_path="compare", visibility="hidden"),
    ],
    position="top",
)
st.set_page_config(page_title=f"{page.title} · rlm-app", page_icon=ICON, layout="wide")
with st.container(horizontal_alignment="center"), st.container(width=CONTENT_PIXELS), user_errors():
    page.run()
