"""What is written down of providers agrees with what dspy brings."""

import pytest

from rlm_app import choosing
from rlm_app.adapters import models
from rlm_app.providers import DEFAULTS, LOCAL_SERVERS, NATIVE
from rlm_app.settings import OTHER_NAMES, PROVIDER_KEYS


def price(model: str) -> tuple[float, float]:
    from dspy.clients.model_metadata import model_info

    provider, _, name = model.partition("/")
    found = (model_info(space, name) for space in (provider, f"{provider}_converse"))
    info = next((info for info in found if info.get("mode") == "chat"), {})
    assert info, f"{model} is not in the price list"
    return info["input_cost_per_token"], info["output_cost_per_token"]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "true")


@pytest.mark.parametrize("provider", DEFAULTS)
def test_every_default_model_has_a_price_and_the_one_for_sub_calls_is_not_dearer(provider: str) -> None:
    root, sub = map(price, DEFAULTS[provider])
    assert root[0] > 0
    assert sub <= root
    assert sub[1] <= root[1]


def test_defaults_and_second_names_belong_to_providers_with_keys() -> None:
    assert set(DEFAULTS) | set(OTHER_NAMES) <= set(PROVIDER_KEYS)
    assert set(PROVIDER_KEYS) - set(DEFAULTS) == {"azure"}


def test_what_is_said_to_be_native_is_what_connections_are_made_with() -> None:
    for provider in {*PROVIDER_KEYS, *NATIVE, *LOCAL_SERVERS, "vertex_ai", "huggingface"} - {"azure"}:
        assert choosing.engine_of(f"{provider}/x") == models.engine_of(f"{provider}/x"), provider
