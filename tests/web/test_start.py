"""What a start costs: the launcher and the first page import nothing they do not need."""

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

from rlm_app import asking, wiring
from rlm_app.model import Question
from rlm_app.ui.session import provide
from tests.fakes import make_app, wait_for

ROOT = Path(__file__).parents[2]
HEAVY = ("litellm", "datasets", "pandas", "openai", "torch", "transformers")

SCRIPT = """
import json, sys
import app
assert app.app is not None
from streamlit.testing.v1 import AppTest
at = AppTest.from_file("rlm_app/web/main.py", default_timeout=60).run()
assert not at.exception and not at.error, (at.exception, at.error)
print(json.dumps({"title": at.title[0].value, "modules": sorted(sys.modules)}))
"""


def test_the_launcher_and_the_first_page_stay_light(tmp_path: Path) -> None:
    environment = {"RLM_APP_HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["title"] == "Ask a codebase"
    heavy = [module for module in HEAVY if module in said["modules"]]
    assert not heavy, f"imported at start: {heavy}"


def test_importing_the_launcher_does_no_work() -> None:
    code = "import sys, app; print(any(name in sys.modules for name in ('dspy', 'sqlalchemy', 'git')))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split()[-1] == "False"


def test_a_start_marks_the_runs_that_a_crash_left_behind(tmp_path: Path) -> None:
    import app as launcher

    before = make_app(tmp_path)
    request = asking.Request("left-behind", "https://example.org/a/b", Question(text="Why?"), before.config())
    asking.begin(request, before.store)
    before.store.claim(request.run_id, f"{socket.gethostname()}/999999999/1")
    provide(lambda: make_app(tmp_path))

    async def serve() -> None:
        async with launcher.lifespan(launcher.app):
            await asyncio.to_thread(wait_for, lambda: before.run(request.run_id).status == "interrupted")

    try:
        asyncio.run(serve())
    finally:
        provide(wiring.app)
