"""What only E2B itself can show; needs its key, and costs a few seconds of two sandboxes.

E2B_API_KEY=… pytest tests/adapters/e2b/test_live.py
"""

import os

import pytest

from rlm_app.adapters.e2b import E2BInterpreter, E2BUnavailable, kill_leftovers, leftovers

pytestmark = pytest.mark.skipif(
    "E2B_API_KEY" not in os.environ, reason="E2B_API_KEY is not set: E2B itself is not asked"
)

NETWORK = "import socket\nsocket.create_connection(('1.1.1.1', 443), timeout=5)"


def test_the_real_thing_from_start_to_end() -> None:
    context = "ü" + "x" * 16_000_000
    interpreter = E2BInterpreter(tools={"ask": lambda text: text[::-1]}, run_id="live-test", timeout=120)
    with interpreter:
        assert interpreter.execute("len(context), context[0]", {"context": context}) == "(16000001, 'ü')"
        assert interpreter.execute("import numpy, pandas\nask('abc')", {"context": context}) == "'cba'"
        assert interpreter.execute("len(ask('x' * 3_000_000))") == "3000000"
        with pytest.raises(Exception, match=r"Error"):
            interpreter.execute(NETWORK)
        assert interpreter.execute("import os\n[name for name in os.environ if 'KEY' in name]") == "[]"
        assert "live-test" not in {one.run_id for one in leftovers()}, "in use in this process"
    assert not leftovers(run_id="live-test")


def test_a_sandbox_with_internet_and_a_leftover() -> None:
    from e2b_code_interpreter import Sandbox

    with E2BInterpreter(allow_internet_access=True, timeout=60) as interpreter:
        assert "raddr" in str(interpreter.execute(NETWORK))
    left = Sandbox.create(metadata={"made_by": "rlm-app", "rlm_run": "live-leftover"}, timeout=60)
    assert [one.sandbox_id for one in kill_leftovers(run_id="live-leftover")] == [left.sandbox_id]


def test_a_wrong_key_and_an_unknown_template() -> None:
    with pytest.raises(E2BUnavailable, match="refused the key"):
        E2BInterpreter(api_key="e2b_" + "0" * 40).start()
    with pytest.raises(E2BUnavailable, match="template"):
        E2BInterpreter(template="no-such-template-of-ours").start()
