"""Pages as a visitor sees them, over an App of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rlm_app import wiring
from rlm_app.application import App
from rlm_app.ui.session import provide

ROOT = Path(__file__).parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def open_page() -> Iterator[Open]:
    """Opens a page of an App: `open_page(app, "run", run="…")`; the query is what the address bar holds."""

    def open_it(app: App, page: str = "ask", /, **query: str) -> AppTest:
        provide(lambda: app)
        at = AppTest.from_file(str(ROOT / "rlm_app" / "web" / "main.py"), default_timeout=30)
        if page != "ask":
            at.run()
            at.switch_page(f"../../pages/{page}.py")
        for name, value in query.items():
            at.query_params[name] = value
        return at.run()

    yield open_it
    provide(wiring.app)


def words(at: AppTest) -> str:
    """Every text on the page, without the marks that keep Streamlit from reading them as Markdown."""
    kinds = ("title", "markdown", "caption", "error", "warning", "info", "html", "text", "code", "page_link")
    found = [str(element.value) for kind in kinds for element in at.get(kind)]
    found += [card.label for card in at.expander] + [button.label for button in at.button]
    return "\n".join(found).replace("\\", "").replace("\u2060", "")
