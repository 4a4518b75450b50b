"""The command line as people use it: a real process over a real local repository, without a key."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rlm_app import cli, wiring
from rlm_app.errors import RunCancelled
from rlm_app.model import Question
from rlm_app.settings import PROVIDER_KEYS
from rlm_app.terminal import safe, shortened
from tests.fakes import ScriptedAnswerer, make_app
from tests.model_server import Reply, model_server
from tests.repositories import make_repository

FILES = {
    "src/shop/basket.py": b"class Basket:\n    def add_item(self, item):\n        self.items.append(item)\n",
    "src/shop/retry.py": b"def should_retry(error, attempt):\n    return attempt < 3 and error.transient\n",
    "README.md": b"# Shop\n\nA basket.\n",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("repository") / "shop"
    make_repository(folder, FILES)
    return folder


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def rlm_app(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """The command in this process, as quick as it gets; `process` runs it as people do."""

    def call(home: Path, *arguments: object, **environment: str) -> Done:
        for name in PROVIDER_KEYS.values():
            monkeypatch.delenv(name, raising=False)
        for name, value in {"RLM_APP_HOME": str(home), "COLUMNS": "100", **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(home)
        monkeypatch.setattr(sys, "argv", ["rlm-app", *map(str, arguments)])
        wiring._app.cache_clear()
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        for name in environment:
            monkeypatch.delenv(name)
        out, err = capfd.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    return call


def process(home: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    keyless = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return subprocess.run(
        [sys.executable, "-c", "from rlm_app.cli import main; main()", *map(str, arguments)],
        env={**keyless, "RLM_APP_HOME": str(home), "COLUMNS": "100", **environment},
        cwd=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_ask_prints_one_json_object_and_exits_with_zero(home: Path, repository: Path) -> None:
    done = process(home, "ask", repository, "Where is a retry decided?", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["status"] == "answered"
    assert result["citations"][0]["path"] == "src/shop/retry.py"
    assert result["citations"][0]["status"] == "verified"
    assert (result["model"], result["sandbox"], result["cost"]) == ("keyless/bm25", "monty", 0)
    assert len(result["commit"]) == 40
    assert result["repository"] == "shop"
    assert {"run_id", "answer", "steps", "usage", "seconds"} <= result.keys()
    assert done.stderr == ""


def test_ask_shows_steps_label_answer_and_checked_citations(
    rlm_app: Callable[..., Done], home: Path, repository: Path
) -> None:
    done = rlm_app(home, "ask", repository, "Where is a retry decided?")
    assert done.returncode == 0, done.stderr
    for words in ("retrieval baseline, no language model", "answered", "✓ verified  src/shop/retry.py:1-2", "Survey"):
        assert words in done.stdout


def test_multiple_choice(rlm_app: Callable[..., Done], home: Path, repository: Path) -> None:
    choices = ("--choice", "A=add_item in basket.py", "--choice", "B=should_retry in retry.py")
    done = rlm_app(home, "ask", repository, "Which function decides a retry?", *choices, "--json")
    assert json.loads(done.stdout)["answer"] == "B"


def test_runs_can_be_listed_shown_and_deleted(rlm_app: Callable[..., Done], home: Path, repository: Path) -> None:
    run_id = json.loads(rlm_app(home, "ask", repository, "Where is the basket?", "--json").stdout)["run_id"]
    listed = json.loads(rlm_app(home, "runs", "list", "--search", "BASKET", "--json").stdout)
    assert [run["id"] for run in listed["runs"]] == [run_id]
    assert run_id in rlm_app(home, "runs", "list").stdout
    assert "src/shop/basket.py" in rlm_app(home, "runs", "show", run_id).stdout
    assert json.loads(rlm_app(home, "runs", "show", run_id, "--json").stdout)["run_id"] == run_id
    assert rlm_app(home, "runs", "delete", run_id).returncode == 0
    gone = rlm_app(home, "runs", "show", run_id)
    assert (gone.returncode, gone.stdout) == (2, "")


def test_flatten_gives_the_text_or_what_was_taken(rlm_app: Callable[..., Done], home: Path, repository: Path) -> None:
    text = rlm_app(home, "flatten", repository, "--include", "src/**").stdout
    assert text.startswith("===== src/shop/basket.py (3 lines) =====\nclass Basket:")
    assert "README" not in text
    assert rlm_app(home, "flatten", repository, "--include", "src/**", "-o", home / "out.txt").stdout == ""
    assert (home / "out.txt").read_text() == text
    assert "3 files" in rlm_app(home, "flatten", repository, "--stats").stdout
    receipt = json.loads(rlm_app(home, "flatten", repository, "--json").stdout)
    assert [span[0] for span in receipt["spans"]] == sorted(FILES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ask", "https://user:secret@github.com/a/b", "Where?"), "token"),
        (("ask", "{repository}", "   "), "empty"),
        (("ask", "{repository}", "Where?", "--max-steps", "0"), "max steps"),
        (("ask", "{repository}", "Where?", "--model", "nonsense"), "model string"),
        (("ask", "{repository}", "Where?", "--model", "openai/gpt-5.4"), "OPENAI_API_KEY"),
        (("ask", "{repository}", "Where?", "--choice", "A"), "A=text"),
        (("ask", "{repository}", "Where?", "--sandbox", "docker"), "sandbox"),
        (("ask", "{repository}", "Where?", "--on-limit", "explode"), "on limit"),
        (("ask", "{repository}", "Where?", "--model", "direct/keyless/bm25"), "language model"),
        (("ask", "{home}", "Where?"), "Git repository"),
        (("ask", "http://127.0.0.1/a/b", "Where?"), "https"),
        (("flatten", "{repository}", "--ref", "nowhere"), "nowhere"),
        (("flatten", "{repository}", "--include", "*.zig"), "text files"),
        (("runs", "show", "nothing"), "History"),
        (("runs", "delete", "nothing"), "deleted already"),
        (("runs", "list", "--status", "odd"), "odd"),
    ],
)
def test_bad_input_is_one_sentence_on_stderr_and_exit_code_two(
    rlm_app: Callable[..., Done], home: Path, repository: Path, arguments: tuple[str, ...], words: str
) -> None:
    filled = [argument.format(repository=repository, home=home) for argument in arguments]
    done = rlm_app(home, *filled)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "secret" not in done.stderr


def test_what_a_user_can_mend_exits_with_two_even_when_it_shows_only_in_the_run(
    rlm_app: Callable[..., Done], home: Path, repository: Path
) -> None:
    done = rlm_app(home, "ask", repository, "Where?", "--ref", "nowhere", "--json")
    assert done.returncode == 2
    assert (json.loads(done.stdout)["status"], "nowhere" in json.loads(done.stdout)["error"]) == ("failed", True)


def test_refused_questions_leave_no_run(rlm_app: Callable[..., Done], tmp_path: Path, repository: Path) -> None:
    rlm_app(tmp_path, "ask", repository, " ")
    assert json.loads(rlm_app(tmp_path, "runs", "list", "--json").stdout)["total"] == 0
    assert "No runs yet" in rlm_app(tmp_path, "runs", "list").stdout


def test_a_setting_out_of_range_and_a_home_that_is_a_file(
    rlm_app: Callable[..., Done], tmp_path: Path, repository: Path
) -> None:
    odd = rlm_app(tmp_path, "runs", "list", RLM_APP_MAX_STEPS="many")
    assert (odd.returncode, "RLM_APP_MAX_STEPS" in odd.stderr) == (2, True)
    (tmp_path / "file").write_text("")
    blocked = rlm_app(tmp_path, "runs", "list", RLM_APP_HOME=str(tmp_path / "file"))
    assert (blocked.returncode, "RLM_APP_HOME" in blocked.stderr) == (2, True)


def test_doctor_has_a_line_for_everything(rlm_app: Callable[..., Done], home: Path) -> None:
    done = rlm_app(home, "doctor")
    assert done.returncode == 0, done.stdout
    assert [line.split()[1] for line in done.stdout.splitlines()] == [
        "data",
        "store",
        "git",
        "sandbox",
        "leftovers",
        "model",
        "servers",
        "keys",
    ]
    assert "retrieval baseline" in done.stdout
    broken = rlm_app(home, "doctor", RLM_APP_PORT="no")
    assert broken.returncode == 1
    assert "RLM_APP_PORT" in broken.stdout


def test_doctor_live_asks_each_model_once_and_says_how_it_went(rlm_app: Callable[..., Done], home: Path) -> None:
    def reply(request: dict[str, Any]) -> Reply:
        return "ready" if request["model"] == "big" else (404, {"error": {"message": "no such model"}})

    with model_server(reply) as server:
        bases = json.dumps({"lm_studio": server.url})
        names = {"RLM_APP_MODEL": "lm_studio/big", "RLM_APP_SUB_MODEL": "lm_studio/small"}
        done = rlm_app(home, "doctor", "--live", RLM_APP_API_BASES=bases, **names)
        assert [request["model"] for request in server.requests] == ["big", "small"]
    lines = {line[7:17].strip(): line for line in done.stdout.splitlines()}
    assert "lm_studio/big replied in" in lines["root call"]
    assert lines["sub-call"].startswith("fails")
    assert "no model lm_studio/small" in lines["sub-call"]
    assert done.returncode == 1
    assert "nothing to test" in rlm_app(home, "doctor", "--live", RLM_APP_MODEL="keyless/bm25").stdout


def test_ask_says_what_to_expect_and_what_left_this_machine(
    rlm_app: Callable[..., Done], tmp_path: Path, repository: Path
) -> None:
    first = rlm_app(tmp_path, "ask", repository, "Where is a retry decided?")
    assert "Expected of keyless/bm25: no runs yet with this model" in first.stdout
    assert first.stdout.endswith("Nothing left this machine.\n")
    assert "as in the one run so far" in rlm_app(tmp_path, "ask", repository, "Where is the basket?").stdout
    result = json.loads(
        rlm_app(tmp_path, "ask", repository, "Where?", "--on-limit", "stop", "--cache", "--json").stdout
    )
    assert (result["rejected_replies"], result["resumed"], result["limit"]) == (0, 0, None)
    assert {"root_usage", "sub_usage", "sub_calls", "sub_model", "sandbox_bytes_sent"} <= result.keys()
    run = wiring.app().run(result["run_id"])
    assert (run.config.on_limit, run.config.cache) == ("stop", True)


def test_a_key_is_shown_as_set_and_never_by_its_text(rlm_app: Callable[..., Done], home: Path) -> None:
    done = rlm_app(home, "doctor", OPENAI_API_KEY="sk-canary-77")
    assert "OPENAI_API_KEY" in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_serve_says_so_when_its_port_is_taken(rlm_app: Callable[..., Done], home: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = rlm_app(home, "serve", "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "--port" in done.stderr


def test_the_library_answers_in_a_few_lines(home: Path, repository: Path) -> None:
    lines = (
        "import sys",
        "from rlm_app import ask",
        "run = ask(sys.argv[1], 'Where is a retry decided?')",
        "print(run.status, run.citations[0].label)",
    )
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines), str(repository)],
        env={**os.environ, "RLM_APP_HOME": str(home), "RLM_APP_MODEL": "keyless/bm25"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.strip() == "answered src/shop/retry.py:1-2"


def test_hostile_text_cannot_move_the_cursor_or_reorder_a_line() -> None:
    assert safe("a\x1b[2Jb\u202ec\r\x9bd\n\te") == "a[2Jbcd\n\te"


def test_long_text_keeps_its_first_and_last_lines() -> None:
    lines = shortened("\n".join(map(str, range(100))))
    assert lines[:2] == ["0", "1"]
    assert lines[-1] == "99"
    assert "84 more lines" in lines[4]
    assert shortened("a\nb") == ["a", "b"]


def test_ctrl_c_stops_the_run_and_says_so(tmp_path: Path) -> None:
    app = make_app(tmp_path, answerer=ScriptedAnswerer(go=lambda step, stop: stop.wait(20) and None))
    run_id = app.ask("somewhere", Question(text="Where?"))
    with pytest.raises(RunCancelled, match="Stopped"), cli.runs.stopping(app, run_id):
        raise KeyboardInterrupt
    assert app.run(run_id).status == "cancelled"
