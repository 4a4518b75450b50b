"""Who reaches a provider, known without asking dspy to try, and told before anything is sent."""

import subprocess
import sys

import pytest
from dspy._vendor.lm15.router import LITELLM_PROVIDER_PREFIXES
from dspy.clients.backend_selection import select_backend

from rlm_app.adapters import models
from rlm_app.adapters.models import providers
from rlm_app.errors import InvalidConfig
from rlm_app.settings import PROVIDER_KEYS, load_settings

SETTINGS = load_settings({}, _env_file=None)


def line(model: str, **changes: object) -> models.TracedLM:
    settings = load_settings({}, _env_file=None, **changes)
    return models.TracedLM(model, around=lambda prompt, call: call()[0], **models.connection(model, settings))


@pytest.mark.parametrize("provider", sorted({*LITELLM_PROVIDER_PREFIXES, *providers.COMPATIBLE} - {"azure"}))
def test_what_is_called_native_dspy_reaches_by_its_native_engine(provider: str) -> None:
    assert models.engine_of(f"{provider}/some/model") == "native"
    assert select_backend(line(f"{provider}/some/model")).native
    assert select_backend(line(f"{provider}/some/model", api_bases={provider: "http://127.0.0.1:9/v1"})).native


def test_azure_is_native_where_its_native_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert models.engine_of("azure/mine") == "litellm"
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com")
    assert models.engine_of("azure/mine") == "native"
    assert select_backend(line("azure/mine")).native
    own = load_settings({}, _env_file=None, api_bases={"azure": "https://mine.openai.azure.com"})
    assert models.engine_of("azure/mine", own) == "litellm"


def test_the_rest_goes_through_litellm_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {models.engine_of(f"{name}/x") for name in ("bedrock", "vertex_ai", "watsonx", "sagemaker")} == {"litellm"}
    monkeypatch.setattr(providers, "find_spec", lambda name: None)
    with pytest.raises(InvalidConfig, match="package litellm, which is not installed: run `pip install litellm`"):
        models.connection("bedrock/some-model", SETTINGS)


def test_nothing_here_imports_litellm() -> None:
    names = sorted(provider for provider in PROVIDER_KEYS if provider not in {"azure", "bedrock"})
    code = (
        "import sys\nfrom tests.adapters.models.test_providers import line, models\n"
        f"for name in {names}:\n    line(name + '/x')\n    models.engine_of(name + '/x')\n"
        "models.engine_of('bedrock/x')\nassert 'litellm' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("model", "address", "here"),
    [
        ("openai/x", None, False),
        ("openai/x", "http://127.0.0.1:8080/v1", True),
        ("openai/x", "http://192.168.1.5:8080/v1", False),
        ("openai/x", "https://localhost.example.com/v1", False),
        ("ollama_chat/x", None, True),
        ("ollama_chat/x", "http://gpu-box:11434/v1", False),
    ],
)
def test_only_a_model_on_this_machine_is_known_to_cost_nothing(model: str, address: str | None, here: bool) -> None:
    bases = {"api_bases": {model.partition("/")[0]: address}} if address else {}
    assert line(model, **bases)._route.tariff.here is here
