"""ASGI launcher: `streamlit run app.py` and `uvicorn app:app` serve the pages and the API from one process.

The script lies elsewhere on purpose: with `pages/` beside it, Streamlit would run a deep link's page alone.
"""

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

from rlm_app.errors import UserError
from rlm_app.ui.session import app as open_app
from rlm_app.ui.session import show_bug
from rlm_app.web.api import routes

log = logging.getLogger(__name__)


def _open() -> None:
    try:
        open_app()
    except UserError as error:  # the pages show it and try again
        log.error("%s", error)
    except Exception:
        log.exception("the app could not be opened")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Open the App while the server is already up, so that runs a crash left behind become `interrupted` at once."""
    threading.Thread(target=_open, name="open", daemon=True).start()
    yield


app = st.App(
    Path(__file__).parent / "rlm_app" / "web" / "main.py",
    routes=routes(open_app),
    lifespan=lifespan,
    on_script_error=show_bug,
)
