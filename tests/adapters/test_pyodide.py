"""What is Pyodide's alone; the contract of all sandboxes is in `tests/test_sandboxes.py`."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from dspy import CodeExecutionError, CodeInterpreterError, FinalOutput
from hypothesis import given, settings
from hypothesis import strategies as st

from rlm_app.adapters.pyodide import PyodideSandbox, PyodideUnavailable, probe, runtime, step
from rlm_app.adapters.pyodide.clock import Clock
from rlm_app.adapters.pyodide.runtime import Deno
from tests.sandbox_kinds import require_pyodide

pytestmark = pytest.mark.xdist_group("sandbox pyodide")


@pytest.fixture(scope="module")
def running() -> Iterator[PyodideSandbox]:
    require_pyodide()
    with PyodideSandbox(step_seconds=20) as started:
        yield started


@pytest.fixture
def make() -> Iterator[Callable[..., PyodideSandbox]]:
    require_pyodide()
    made: list[PyodideSandbox] = []

    def make(kind: type[PyodideSandbox] = PyodideSandbox, **arguments: Any) -> PyodideSandbox:
        made.append(kind(**arguments))
        return made[-1]

    yield make
    for each in made:
        each.shutdown()


class Impatient(PyodideSandbox):
    grace = 0.3
    max_message = 10_000


def deno_processes() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if child.name().startswith("deno")]


JS = """
import js
print(await js.eval('''(async () => {{
    try {{ return String({}) }} catch (error) {{ return "no " + error + error.cause }}
}})()'''))
"""


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("await Deno.readTextFile('/etc/hostname')", "no NotCapable: Requires read access"),
        ("Deno.env.get('HOME')", "no NotCapable: Requires env access"),
        ("await fetch('http://127.0.0.1:8765')", "no NotCapable: Requires net access"),
        ("await Deno.writeTextFile('x', 'y')", "no NotCapable: Requires write access"),
        ("new Deno.Command('/bin/ls').outputSync()", "no NotCapable: Requires run access"),
        ("await import('data:text/javascript,import \"https://example.org/x.js\"')", "--no-remote is specified"),
        ("await import('data:text/javascript,import \"npm:left-pad\"')", "--cached-only is specified"),
        ("typeof localStorage + typeof sessionStorage + typeof caches + typeof Worker", "undefined" * 4),
    ],
)
def test_javascript_opens_no_door_either(running: PyodideSandbox, script: str, told: str) -> None:
    assert told in running.execute(JS.format(script))


def test_the_fetched_packages_and_the_snapshot_cannot_be_read_any_more(running: PyodideSandbox) -> None:
    deno = Deno.find()
    for path in (deno.cache / "npm", deno.find_snapshot()):
        assert "Requires read access" in running.execute(JS.format(f"Deno.statSync('{path}').size"))


def test_a_sandbox_leaves_nothing_in_denos_cache_for_the_next(make) -> None:
    keep = (
        "import js, asyncio\nscript = '''import {Worker} from \"node:worker_threads\"; new Worker(`(async () => {"
        'const cache = await caches.open("x"); const found = await cache.match("http://x/y");'
        ' await cache.put("http://x/y", new Response("kept"));'
        ' require("node:worker_threads").parentPort.postMessage(found ? "found" : "empty") })()`, {eval: true})'
        ".on(\"message\", (said) => { globalThis.said = said })'''\n"
        "await js.eval('import(' + repr('data:text/javascript,' + js.encodeURIComponent(script)) + ')')\n"
        "while not hasattr(js, 'said'):\n    await asyncio.sleep(0.02)\nprint(js.said)"
    )
    assert [make().execute(keep) for _ in range(2)] == ["empty", "empty"]


def test_the_process_gets_no_key_and_no_host_path_is_seen(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    started = make()
    started.start()
    assert "sk-canary" not in str(psutil.Process(started.deno_process.pid).environ())
    seen = started.execute("import os, sys\nprint(dict(os.environ), sys.executable, sys.path, os.listdir('/'))")
    assert str(Path.home()) not in seen.replace("/home/pyodide", "")
    assert str(Path(runtime.__file__).parents[3]) not in seen


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("await_me = 1\nimport asyncio\nawait asyncio.sleep(0.01)\n'waited'", "'waited'"),
        ("import sys\nprint('to stderr', file=sys.stderr)", "to stderr"),
        ("import os\nos.write(1, b'noise')\nprint('quiet', file=sys.__stdout__)", None),
        ("print('x'); 5;", "x"),
    ],
)
def test_output(running: PyodideSandbox, code: str, told: str | None) -> None:
    assert running.execute(code) == told


def test_a_traceback_names_the_models_own_lines_and_nothing_of_ours(running: PyodideSandbox) -> None:
    running.execute("def half(n):\n    return 1 / (n - n)")
    with pytest.raises(CodeExecutionError) as caught:
        running.execute("print('before')\nhalf(4)")
    told = str(caught.value)
    assert told.startswith("before\nTraceback (most recent call last):\n")
    assert told.endswith("ZeroDivisionError: division by zero")
    assert "half(4)" in told
    assert "return 1 / (n - n)" in told
    assert "run_step" not in told


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("input()", "EOFError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("exec('x = = 1')", "SyntaxError"),
        ("raise ValueError(object())", "ValueError: <object"),
        ("def f(): f()\nf()", "RecursionError"),
        ("import numpy", "numpy"),
        ("x = []\nwhile True:\n    x.append(bytes(500_000_000))", "MemoryError"),
        ("SUBMIT(print)", "SUBMIT takes str"),
        ("SUBMIT({1: {2}, 'a': object()})", "not object"),
    ],
)
def test_odd_failures_are_the_codes_own(running: PyodideSandbox, code: str, told: str) -> None:
    with pytest.raises(CodeExecutionError, match=told):
        running.execute(code)
    running.execute("x = None")
    assert running.execute("'still here'") == "'still here'"


def test_submit_counts_where_a_bare_except_catches_it(running: PyodideSandbox) -> None:
    assert running.execute("try:\n    SUBMIT({1, 2})\nexcept:\n    pass\nprint('on')") == FinalOutput(
        {"output": [1, 2]}
    )
    assert running.execute("1 + 1") == "2"


def test_names_that_dspys_runner_uses_are_the_models_too(running: PyodideSandbox) -> None:
    running.execute("json, io = 5, 'text'")
    assert running.execute("json, io") == "(5, 'text')"
    running.execute("import json, io")
    assert running.execute("json.dumps([1])") == "'[1]'"


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@settings(max_examples=40, deadline=None)
@given(value=st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_inputs_and_answers_keep_their_value_and_kind(running: PyodideSandbox, value: Any) -> None:
    final = running.execute("SUBMIT(value)", {"value": value})
    assert json.dumps(final.output["output"]) == json.dumps(value)


@pytest.mark.parametrize(
    "value",
    ["ü🐍\ud800\r\n\"'\\" * 20_000, [[f"src/{at}.py", at, None, True] for at in range(5_000)]],
    ids=["text", "rows"],
)
def test_large_inputs_go_through_a_file_that_is_gone_after(running: PyodideSandbox, value: Any) -> None:
    final = running.execute("import os\nSUBMIT([value, os.listdir('/tmp/dspy_vars')])", {"value": value, "small": 1})
    assert final.output["output"] == [value, []]


def test_what_cannot_be_interrupted_ends_the_sandbox(make) -> None:
    stubborn = make(Impatient, step_seconds=0.3)
    stubborn.start()
    started = time.monotonic()
    with pytest.raises(CodeInterpreterError, match=r"0\.3 s and could not be interrupted") as caught:
        stubborn.execute("sum(range(10**12))")
    assert not isinstance(caught.value, CodeExecutionError)
    assert time.monotonic() - started < 3
    with pytest.raises(CodeInterpreterError, match="session has ended"):
        stubborn.execute("1")


def test_neither_clock_counts_what_a_tool_takes(make) -> None:
    patient = make(Impatient, step_seconds=0.3)
    patient.tools["wait"] = lambda: time.sleep(0.4)
    assert patient.execute("for _ in range(3):\n    wait()\nprint('done')") == "done"


def test_a_step_that_sleeps_or_catches_the_interrupt_is_stopped_too(make) -> None:
    short = make(step_seconds=0.4)
    short.start()
    started = time.monotonic()
    for code in (
        "import time\ntime.sleep(60)",
        "try:\n    while True: pass\nexcept BaseException: pass\nwhile True: pass",
    ):
        with pytest.raises(CodeExecutionError, match="time limit"):
            short.execute(code)
    assert time.monotonic() - started < 3
    assert short.execute("'goes on'") == "'goes on'"


@pytest.mark.parametrize(
    "script", ["Deno.exit(1)", 'console.log(\'{"method": "tool_call"}\')', "console.log('{\"a\":'.repeat(200000))"]
)
def test_code_that_breaks_the_line_to_the_host_ends_the_sandbox(make, script: str) -> None:
    broken = make()
    with pytest.raises(CodeInterpreterError) as caught:
        broken.execute(f"import js\njs.eval({script!r})")
    assert not isinstance(caught.value, CodeExecutionError)
    broken.shutdown()
    assert deno_processes() == [] or broken.deno_process is None


def test_a_crash_of_python_itself_is_told_at_once(make) -> None:
    crashed = make(step_seconds=30)
    with pytest.raises(CodeInterpreterError, match=r"process ended during execution \(RangeError: Maximum call stack"):
        crashed.execute("x = []\nfor _ in range(200_000):\n    x = [x]\nrepr(x)")


def test_a_message_without_end_costs_the_host_no_memory(make) -> None:
    with pytest.raises(CodeInterpreterError, match="more than 10,000 characters"):
        make(Impatient).execute("import js\njs.console.log('{' + 'x' * 20_000)")


def test_killed_while_it_starts_or_before(make) -> None:
    starting = make()
    threading.Timer(0.15, starting.kill).start()
    for _ in range(2):
        with pytest.raises(CodeInterpreterError) as caught:
            starting.start()
        assert not isinstance(caught.value, PyodideUnavailable), "that would be the fault of the machine"


@pytest.fixture
def other(tmp_path: Path) -> Deno:
    """The Deno at hand with its packages, and no snapshot yet."""
    require_pyodide()
    real = Deno.find()
    (tmp_path / "npm").symlink_to(real.cache / "npm")
    return Deno(real.executable, tmp_path)


def test_a_snapshot_that_is_not_whole_is_made_anew(make, other: Deno) -> None:
    whole = Deno.find().find_snapshot()
    folder = other.cache / "rlm-app"
    folder.mkdir()
    (folder / whole.name).write_bytes(whole.read_bytes()[:-1000])
    assert make(deno=other).execute("6 * 7") == "42"
    assert list(folder.iterdir()) == [other.find_snapshot()]


@pytest.mark.slow
def test_a_snapshot_that_cannot_be_kept_or_does_not_start_costs_only_time(make, other: Deno) -> None:
    folder = other.cache / "rlm-app"
    folder.write_text("a file where the folder should be")
    assert make(deno=other).execute("6 * 7") == "42"
    folder.unlink()
    useless = other.new_snapshot()
    useless.write_bytes(b"")
    useless = other.keep_snapshot(useless)
    assert make(deno=other).execute("6 * 7") == "42"
    assert not useless.exists()


def test_without_deno_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DENO_DIR", raising=False)
    with pytest.raises(PyodideUnavailable, match="pip install deno"):
        Deno.find(str(tmp_path / "deno"))
    with pytest.raises(PyodideUnavailable, match="pip install deno"):
        PyodideSandbox(deno=Deno(str(tmp_path / "deno"), tmp_path)).start()


def test_without_cache_and_network_it_says_what_to_do(make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://127.0.0.1:9")
    with pytest.raises(PyodideUnavailable, match=r"npm registry once, and that failed .* go online") as caught:
        make(deno=Deno(Deno.find().executable, tmp_path)).start()
    assert "bridge.js" not in str(caught.value)
    assert not list(tmp_path.glob("rlm-app/*"))


def test_probe_is_silent_when_all_is_well() -> None:
    require_pyodide()
    assert probe() > 0


def test_the_import_map_names_what_dspys_runner_imports() -> None:
    runner = Path(runtime._runner()).read_text()
    imports = json.loads(Path(runtime.__file__).with_name("imports.json").read_text())["imports"]
    assert [name for name in imports if f'"{name}"' in runner] == [name for name in imports if ":" in name]
    assert imports["pyodide"] in runner
    assert runtime._PYODIDE_VERSION in imports["pyodide"]


@given(pieces=st.lists(st.text(max_size=30)), head=st.integers(0, 20), tail=st.integers(1, 20))
def test_output_keeps_both_ends_and_its_length(pieces: list[str], head: int, tail: int) -> None:
    output, text = step.Output(head, tail), "".join(pieces)
    output.writelines(pieces)
    assert output.chars == len(text)
    assert output.parts() == (text[:head], text[head:][-tail:])


def test_the_clock_stands_still_while_it_is_paused() -> None:
    ended = threading.Event()
    with Clock(0.2, ended.set).running():
        assert ended.wait(2)
    clock = Clock(0.3, ended.clear)
    with clock.running():
        with clock.paused():
            time.sleep(0.5)
        assert not clock.expired
    time.sleep(0.4)
    assert not clock.expired, "a step that is over cannot pass its time"
