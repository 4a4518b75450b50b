"""The App behind the pages, and errors as people should see them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from rlm_app import wiring
from rlm_app.application import App
from rlm_app.asking import BUG
from rlm_app.errors import RlmAppError
from rlm_app.ui.text import literal

log = logging.getLogger(__name__)

_provider: Callable[[], App] = wiring.app


def app() -> App:
    """The App that pages and API work with, opened on first use.

    Raises:
        UserError: it cannot be opened; the next call tries again.
    """
    return _provider()


def provide(provider: Callable[[], App]) -> None:
    """Have all pages of this process work with another App."""
    global _provider
    _provider = provider


@contextmanager
def user_errors() -> Iterator[None]:
    """Within the block an error made for people is shown as its sentence; a bug goes to the log."""
    try:
        yield
    except RlmAppError as error:
        st.error(literal(str(error), 2000), icon=":material/error:")
    except Exception as error:
        show_bug(error)


def show_bug(error: Exception) -> bool:
    """Log a bug with its traceback and show one neutral sentence; True says that it has been shown."""
    log.error("a page failed on a bug", exc_info=error)
    st.error(BUG, icon=":material/error:")
    return True
