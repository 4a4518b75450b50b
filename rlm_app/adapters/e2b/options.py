"""How a sandbox of E2B is opened and used."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pydantic import SecretStr

from rlm_app.errors import InvalidConfig

DEFAULT_DOMAIN = "e2b.app"


@dataclass(frozen=True, kw_only=True)
class Options:
    """All that `E2BInterpreter` and its `factory` take, by name.

    Args:
        api_key: None: the environment's E2B_API_KEY. It stays on this host.
        domain, api_url: of a cluster of one's own. None: E2B_DOMAIN, E2B_API_URL, or E2B's cloud.
        template: None: E2B's code interpreter, which has numpy and pandas. Another must have `python3`, 3.9 or newer.
        timeout: seconds of a lease. It is renewed while the sandbox is in use, so this is how long one outlives a
            host that crashed.
        start_seconds: for all of the start, with the wait for a place and for an account that is at its limit.
        step_seconds: running time of one step, host tools not counted. Past it the step is interrupted.
        max_concurrent_calls: host tools that run at one time; calls beyond wait their turn.
        max_open_sandboxes: in this process, over all interpreters; starts beyond wait for a place.
        allow_internet_access: lets the sandbox's code out. Nothing ever gets in.
        run_id: the sandbox's tag `rlm_run`, by which leftovers are told apart. None: a tag of its own.
        files: path relative to the working directory -> content, there before the first step.

    Raises:
        InvalidConfig: a value out of range.
    """

    api_key: str | SecretStr | None = field(default=None, repr=False)
    domain: str | None = None
    api_url: str | None = None
    template: str | None = None
    timeout: int = 300
    start_seconds: float = 120
    step_seconds: float = 120
    max_concurrent_calls: int = 16
    max_open_sandboxes: int = 20
    allow_internet_access: bool = False
    run_id: str | None = None
    files: Mapping[str, str | bytes] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for name in ("timeout", "start_seconds", "step_seconds", "max_concurrent_calls", "max_open_sandboxes"):
            if getattr(self, name) <= 0:
                raise InvalidConfig(f"{name} of an E2B sandbox must be positive.")
        for path in self.files:
            parts = PurePosixPath(path).parts
            if not parts or parts[0] in {"/", ".rlm"} or ".." in parts or "\\" in path:
                raise InvalidConfig(f"{path!r} cannot be put into the sandbox; its path must stay below the top.")

    @property
    def key(self) -> str:
        """The key in clear; empty where there is none."""
        if isinstance(self.api_key, SecretStr):
            return self.api_key.get_secret_value()
        return self.api_key or os.environ.get("E2B_API_KEY", "")

    @property
    def api(self) -> str:
        """The control plane as people know it."""
        domain = self.domain or os.environ.get("E2B_DOMAIN") or DEFAULT_DOMAIN
        return self.api_url or os.environ.get("E2B_API_URL") or f"https://api.{domain}"

    def connection(self, **others: Any) -> dict[str, Any]:
        """Arguments for any call of the SDK. Its own retries are off: it could not be stopped while it waits."""
        given = {"domain": self.domain, "api_url": self.api_url}
        set_here = {name: value for name, value in given.items() if value is not None}
        return {"api_key": self.key, "debug": False, "retries": 0, **set_here, **others}

    @property
    def instructions(self) -> str:
        """What the model is told of the place its code runs in."""
        has = "numpy, pandas and other common packages" if self.template is None else "what its image has installed"
        network = "There is internet access." if self.allow_internet_access else "There is no network."
        files = " The codebase's files lie below the working directory." if self.files else ""
        return (
            f"Code runs as full CPython 3 in a sandbox of its own, with the standard library and {has}. "
            f"{network}{files}"
            " Variables, imports and files persist between steps; inputs are assigned anew before each. The value of "
            "a last expression is shown, as in a REPL. Tools can be called from threads, many at once; they take and "
            "return JSON values. Of long output the middle is left out. "
            f"A step may compute for {self.step_seconds:g} seconds."
        )
