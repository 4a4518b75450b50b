"""Streamlit widgets that the pages are put together from."""

from rlm_app.ui.session import app, provide, user_errors

__all__ = ["app", "provide", "user_errors"]
