"""A whole run of this app in an E2B sandbox: chosen by name, told as events, with the code as files, ended after."""

import os

import pytest
from pydantic import SecretStr

from rlm_app import choosing
from rlm_app.adapters import sandboxes
from rlm_app.adapters.answerer import RlmAnswerer
from rlm_app.errors import MissingKey, SandboxUnavailable
from rlm_app.model import RunConfig
from rlm_app.ports import RunContext
from rlm_app.settings import Settings, load_settings
from tests.corpora import corpus_of
from tests.e2b_server import E2BServer
from tests.scripted import EchoEngine, ScriptedAction, Told

CORPUS = corpus_of({"src/app.py": "def route(rule):\n    return rule\n", "README.md": "# App\n"})
SUBMIT = "SUBMIT(answer='done', citations=['src/app.py:1'])"


class Scripted(RlmAnswerer):
    """The answerer as it is, with a script for the root model and an echo for the sub-model."""

    def __init__(self, settings: Settings, script: list[str], reply=str.upper) -> None:
        super().__init__(settings)
        self.action, self.engine = ScriptedAction(script), EchoEngine(reply)

    def action_for(self, question, config, predict):
        return self.action

    def connection(self, model: str, config: RunConfig, run: RunContext):
        return {"cache": False, "engine": self.engine}


@pytest.fixture
def settings(server: E2BServer) -> Settings:
    return load_settings(os.environ, _env_file=None)


def ask(settings: Settings, script: list[str], reply=str.upper, **config) -> Told:
    told = Told(config=RunConfig(model="scripted/model", sandbox="e2b", **config))
    told.answer(Scripted(settings, script, reply), CORPUS)
    return told


def test_a_run_names_its_sandbox_and_how_long_it_was_held(server: E2BServer, settings: Settings) -> None:
    told = ask(settings, ["print(grep('def route'))", "print(llm_query('abc'))", SUBMIT])
    used = told.run.sandbox
    assert used.kind == "e2b"
    assert used.name
    assert used.seconds > 0
    assert [step.output for step in told.run.steps[:2]] == ["src/app.py:1: def route(rule):", "ABC"]
    assert not server.alive


def test_the_code_is_there_as_files_when_asked_for(server: E2BServer, settings: Settings) -> None:
    look = "import ast\nprint([node.name for node in ast.parse(open('src/app.py').read()).body])"
    assert ask(settings, [look, SUBMIT], files_in_sandbox=True).run.steps[0].output == "['route']"
    assert ask(settings, [look, SUBMIT]).run.steps[0].failed


def test_a_nested_sub_agent_has_a_sandbox_of_its_own_and_the_run_goes_on(server: E2BServer, settings: Settings) -> None:
    def reply(prompt: str) -> str:
        return "[[ ## reasoning ## ]]\nr\n\n[[ ## code ## ]]\nSUBMIT(answer='inner')\n\n[[ ## completed ## ]]"

    nested = "import dspy\nkept = 1\nprint(dspy.RLM('question -> answer')(question='?').answer)"
    told = ask(settings, [nested, "print(kept, len(context))", SUBMIT], reply)
    assert [step.output for step in told.run.steps[:2]] == ["inner", f"1 {len(CORPUS.text)}"]
    assert server.control.created == 2
    assert "[[ ##" in told.run.sub_calls[0].response.text
    assert told.run.sub_calls[0].prompt.chars > 100, "what the sub-agent was asked is told too"


def test_auto_takes_e2b_with_a_key_and_never_falls_back(server: E2BServer, settings: Settings) -> None:
    assert choosing.resolve(RunConfig(sandbox="auto"), settings).sandbox == "e2b"
    wrong = settings.model_copy(update={"e2b_api_key": SecretStr("e2b_" + "1" * 40)})
    with pytest.raises(SandboxUnavailable, match="key"):
        ask(wrong, [SUBMIT])
    with pytest.raises(MissingKey, match="E2B_API_KEY"):
        choosing.resolve(RunConfig(sandbox="e2b"), load_settings({}, _env_file=None))


def test_leftovers_are_found_and_ended(server: E2BServer, settings: Settings) -> None:
    assert sandboxes.leftovers(settings, keep=(), remove=False) == 0
    assert sandboxes.probe("e2b", settings) > 0
