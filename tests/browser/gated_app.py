"""A launcher like app.py whose model writes step N as soon as the file N lies in the folder $GATE."""

import os
from pathlib import Path

import streamlit as st

from rlm_app.stop import Stop
from rlm_app.ui.session import app as open_app
from rlm_app.ui.session import provide
from rlm_app.web.api import routes
from tests.fakes import ScriptedAnswerer, Turn, make_app

gate = Path(os.environ["GATE"])


def wait(step: int, stop: Stop) -> None:
    while not (gate / str(step)).exists() and not stop.wait(0.05):
        pass


steps = int(os.environ.get("STEPS", "5"))
TURNS = [
    Turn(f"Look at place {number}.", f"print({number})", f"found {number}\n" * 60) for number in range(1, steps + 1)
]
opened = make_app(Path(os.environ["RLM_APP_HOME"]), answerer=ScriptedAnswerer(TURNS, execute=wait))
provide(lambda: opened)
app = st.App(Path(__file__).parents[2] / "rlm_app" / "web" / "main.py", routes=routes(open_app))
