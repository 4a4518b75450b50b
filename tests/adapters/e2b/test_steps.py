"""What a step can do and what comes back of it."""

import textwrap

import pytest
from dspy import CodeExecutionError, CodeInterpreterError
from dspy.primitives.code_interpreter import CodeInterpreter

from rlm_app.adapters.e2b import E2BInterpreter
from rlm_app.adapters.traced import KEPT_HEAD, KEPT_TAIL, Cut
from rlm_app.errors import InvalidConfig
from tests.adapters.e2b.conftest import Open
from tests.e2b_server import E2BServer


def failure(interpreter: E2BInterpreter, code: str) -> str:
    with pytest.raises(CodeExecutionError) as caught:
        interpreter.execute(textwrap.dedent(code))
    return str(caught.value)


def test_it_is_a_dspy_interpreter_whose_factory_tells_the_model_about_it() -> None:
    factory = E2BInterpreter.factory(timeout=600, step_seconds=7)
    assert isinstance(factory(), CodeInterpreter)
    assert not isinstance(factory, CodeInterpreter)
    assert factory().options.timeout == 600
    for word in ("CPython", "pandas", "no network", "7 seconds"):
        assert word in factory.execution_instructions
    assert "pandas" not in E2BInterpreter.factory(template="own").execution_instructions
    assert "no network" not in E2BInterpreter.factory(allow_internet_access=True).execution_instructions


def test_state_output_and_the_value_of_a_last_expression(interpreter: E2BInterpreter) -> None:
    assert interpreter.execute("import math\nx = 41") is None
    assert interpreter.execute("print('a')\nprint('b')") == "a\nb"
    assert interpreter.execute("print('a')\nx + 1") == "a\n42"
    assert interpreter.execute("'text'") == "'text'"
    assert interpreter.execute("None") is None
    assert interpreter.execute("_") == "'text'"
    assert interpreter.execute("math.pi > 3; # done") == "True"
    assert interpreter.execute("") is None


def test_nothing_is_opened_before_the_first_step_and_one_sandbox_after(
    server: E2BServer, interpreter: E2BInterpreter
) -> None:
    assert server.requests["create"] == 0
    assert interpreter.sandbox_id is None
    assert interpreter.started_at is None
    interpreter.start()
    interpreter.start()
    interpreter.execute("1")
    assert server.control.created == 1
    assert interpreter.sandbox_id == server.alive[0].id
    assert interpreter.started_at is not None
    assert interpreter.seconds > 0


def test_sandboxes_are_asked_for_without_network_and_with_their_tags(server: E2BServer, open_interpreter: Open) -> None:
    open_interpreter(run_id="run-7", timeout=77).start()
    request = server.alive[0].request
    assert request["allow_internet_access"] is False
    assert request["network"] == {"allowPublicTraffic": False}
    assert request["metadata"]["rlm_run"] == "run-7"
    assert request["metadata"]["made_by"] == "rlm-app"
    assert request["timeout"] == 77
    assert not request.get("envVars")
    open_interpreter(allow_internet_access=True, template="own-template").start()
    assert server.alive[1].request["allow_internet_access"] is True
    assert server.alive[1].request["templateID"] == "own-template"


def test_a_traceback_names_the_models_own_lines_and_nothing_of_ours(interpreter: E2BInterpreter) -> None:
    interpreter.execute("def half(n):\n    return 1 / (n - n)")
    text = failure(interpreter, "print('before')\nhalf(4)")
    assert text.startswith("before\nTraceback (most recent call last):\n")
    assert text.endswith("ZeroDivisionError: division by zero")
    assert "half(4)" in text
    assert "return 1 / (n - n)" in text
    assert "worker" not in text
    assert interpreter.execute("1 + 1") == "2"


def test_a_chain_of_errors_and_a_deep_one_are_told_within_bounds(interpreter: E2BInterpreter) -> None:
    text = failure(interpreter, "try:\n    1/0\nexcept Exception as e:\n    raise ValueError('second') from e")
    assert "direct cause" in text
    assert text.endswith("ValueError: second")
    assert len(failure(interpreter, "def f(): f()\nf()")) < 9_000
    assert len(failure(interpreter, "raise ValueError('x' * 1_000_000)")) < 9_000


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import sys\nsys.exit(3)", "SystemExit: 3"),
        ("input()", "EOFError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("exec('x = = 1')", "SyntaxError"),
        ("'a' + chr(0xdc80) * 1_000 + undefined", "NameError"),
        ("1\x00", "null"),
        ("(" * 500 + ")" * 500, "parenthes"),
        ("'\udc80'", "surrogates"),
    ],
)
def test_odd_failures_are_the_codes_own(interpreter: E2BInterpreter, code: str, told: str) -> None:
    with pytest.raises((CodeExecutionError, SyntaxError), match=told):
        interpreter.execute(code)
    assert interpreter.execute("'still here'") == "'still here'"


def test_a_syntax_error_points_at_its_line(interpreter: E2BInterpreter) -> None:
    with pytest.raises(SyntaxError) as caught:
        interpreter.execute("x = 1\ny = = 2")
    assert "line 2" in str(caught.value)
    assert "y = = 2" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_flood_keeps_both_ends_and_its_true_length(interpreter: E2BInterpreter) -> None:
    output = interpreter.execute("print('start')\nprint('x' * 100_000_000)\nprint('end')")
    assert isinstance(output, Cut)
    assert output.chars == 6 + 100_000_001 + 4
    assert output.startswith("start\nxxx")
    assert output.endswith("xxx\nend\n")
    assert len(output) < KEPT_HEAD + KEPT_TAIL + 100
    assert interpreter.execute("print('short')") == "short"


def test_output_of_children_of_bytes_and_of_odd_characters(interpreter: E2BInterpreter) -> None:
    code = "import os, subprocess\nprint('one', flush=True)\nsubprocess.run(['echo', 'two'])\nos.write(1, b'three\\n')"
    assert interpreter.execute(f"{code}\nNone") == "one\ntwo\nthree"
    assert interpreter.execute("print('ü€😀')") == "ü€😀"
    assert interpreter.execute("print('\\udc80')") == "\\udc80"
    assert interpreter.execute("os.write(2, b'\\xff\\n')\nNone") == "�"
    assert interpreter.execute("os.environ.get('OPENAI_API_KEY'), os.environ.get('E2B_API_KEY')") == "(None, None)"


def test_streams_that_a_step_breaks_are_whole_in_the_next(interpreter: E2BInterpreter) -> None:
    interpreter.execute("import os, sys\nos.close(1); os.close(2); sys.stdin.close()")
    assert interpreter.execute("print('a')\nprint('b', file=sys.stderr)") == "a\nb"
    interpreter.execute("os.closerange(0, 400)")
    assert interpreter.execute("print('c')") == "c"
    interpreter.execute("sys.stdout.close(); import io; sys.stderr = io.StringIO()")
    assert interpreter.execute("print('d'); print('e', file=sys.stderr)") == "d\ne"
    interpreter.execute("sys.stdout = None")
    assert interpreter.execute("print('f')") == "f"


def test_names_live_in_a_real_main_module(interpreter: E2BInterpreter) -> None:
    code = """
        import dataclasses, inspect, pickle
        @dataclasses.dataclass
        class Point:
            x: int = 1
        print(pickle.loads(pickle.dumps(Point(2))))
        def double(n):
            return 2 * n
        print(inspect.getsource(double).splitlines()[1])
    """
    assert interpreter.execute(textwrap.dedent(code)) == "Point(x=2)\n    return 2 * n"


def test_a_forked_child_ends_with_its_step(interpreter: E2BInterpreter) -> None:
    code = """
        import multiprocessing, os
        def square(n):
            return n * n
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(pool.map(square, [1, 2, 3]))
        child = os.fork()
        if child:
            os.waitpid(child, 0)
        print("parent" if child else "child")
    """
    assert interpreter.execute(textwrap.dedent(code)) == "[1, 4, 9]\nchild\nparent"
    assert interpreter.execute("'one worker'") == "'one worker'"


def test_files_are_there_before_the_first_step(open_interpreter: Open) -> None:
    interpreter = open_interpreter(files={"repo/a.py": "X = 1\n", "repo/sub/b.bin": b"\x00\xff"})
    code = "import ast\nprint(ast.dump(ast.parse(open('repo/a.py').read())))\nopen('repo/sub/b.bin', 'rb').read()"
    assert interpreter.execute(code) == (
        "Module(body=[Assign(targets=[Name(id='X', ctx=Store())], value=Constant(value=1))], type_ignores=[])\n"
        "b'\\x00\\xff'"
    )


@pytest.mark.parametrize("path", ["/etc/passwd", "../a", "a/../../b", "", ".rlm/worker.pyz", "a\\..\\b"])
def test_files_stay_below_the_top(path: str) -> None:
    with pytest.raises(InvalidConfig):
        E2BInterpreter(files={path: ""})


@pytest.mark.parametrize("option", ["timeout", "step_seconds", "max_concurrent_calls", "max_open_sandboxes"])
def test_options_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(InvalidConfig, match=option):
        E2BInterpreter(**{option: 0})
    with pytest.raises(TypeError):
        E2BInterpreter.factory(no_such_option=1)


@pytest.mark.parametrize(
    ("names", "variables"),
    [
        ({"tools": {"a b": len}}, {}),
        ({"tools": {"SUBMIT": len}}, {}),
        ({"tools": {"tool": len}}, {"tool": 1}),
        ({"output_fields": [{"name": "class"}]}, {}),
        ({}, {"not a name": 1}),
        ({}, {"__builtins__": 1}),
        ({}, {"value": object()}),
    ],
)
def test_what_cannot_be_bound_is_refused_and_nothing_runs(
    open_interpreter: Open, names: dict[str, object], variables: dict[str, object]
) -> None:
    interpreter = open_interpreter(**names)
    with pytest.raises(CodeInterpreterError) as caught:
        interpreter.execute("ran = True", variables)
    assert not isinstance(caught.value, CodeExecutionError)
    interpreter.tools, interpreter.output_fields = {}, None
    assert interpreter.execute("'ran' in globals()") == "False"
