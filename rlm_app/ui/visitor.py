"""What a visitor brings along for this session alone: keys of model providers, and how runs should go."""

from collections.abc import Mapping
from typing import Any

import streamlit as st
from pydantic import SecretStr

KEYS, DEFAULTS = "visitor_keys", "visitor_defaults"


def own_keys() -> Mapping[str, SecretStr]:
    """The visitor's own keys by provider: in this session's memory and nowhere else."""
    found: dict[str, SecretStr] = st.session_state.get(KEYS, {})
    return found


def bring(provider: str, key: str) -> None:
    """Keep a key until the session ends; a blank one forgets it."""
    others = {name: held for name, held in own_keys().items() if name != provider}
    st.session_state[KEYS] = {**others, provider: SecretStr(key.strip())} if key.strip() else others


def defaults() -> Mapping[str, Any]:
    """The visitor's own defaults by the names of `RunConfig`'s fields; what is not in it is the installation's."""
    found: dict[str, Any] = st.session_state.get(DEFAULTS, {})
    return found


def prefer(changes: Mapping[str, Any]) -> None:
    """Keep these defaults until the session ends, in place of the earlier ones."""
    st.session_state[DEFAULTS] = dict(changes)
