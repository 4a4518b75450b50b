"""Model servers on this machine: which of them answer, and what they offer."""

import http.client
import json
import threading
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from rlm_app.choosing import base_url
from rlm_app.providers import LOCAL_SERVERS, LocalServer
from rlm_app.settings import Settings

PROBE_SECONDS = 0.25  # for all servers together; one that takes longer is not found this time
WAIT_SECONDS = 0.3
FRESH_SECONDS = 15.0  # what was found is believed for so long, and then looked for again in the background
MAX_BYTES = 1 << 20
MAX_MODELS = 200
NO_CHAT = ("embed", "rerank", "whisper")  # parts of the names of models that cannot answer


class LocalModels:
    """Remembers which model servers answer. Safe to call from many threads.

    Args:
        places: address by provider, each ending before `/models`.
        keys: for servers that want one, by provider.
    """

    def __init__(self, places: dict[str, str], keys: dict[str, str] | None = None) -> None:
        self.places, self._keys = places, keys or {}
        self._lock = threading.Lock()
        self._found: tuple[LocalServer, ...] = ()
        self._looked: float | None = None
        self._looking: threading.Thread | None = None

    def __call__(self) -> Sequence[LocalServer]:
        """The servers that answer, in order of choice. The first call takes up to 0.3 s, later ones no time."""
        with self._lock:
            fresh = self._looked is not None and time.monotonic() - self._looked < FRESH_SECONDS
            if not fresh and self._looking is None:
                self._looking = threading.Thread(target=self._look, name="probe", daemon=True)
                self._looking.start()
            looking = self._looking if self._looked is None else None
        if looking:
            looking.join(WAIT_SECONDS)
        return self._found

    def forget(self) -> None:
        """Have the next call look again and wait for it."""
        with self._lock:
            self._looked = None

    def _look(self) -> None:
        found = probe(self.places, self._keys)
        with self._lock:
            self._found, self._looked, self._looking = found, time.monotonic(), None


def open_local_models(settings: Settings) -> LocalModels:
    """The servers worth looking for: the usual ones, and those whose address is set."""
    places = {provider: base_url(provider, settings) or "" for provider in LOCAL_SERVERS}
    own = {provider: base_url(provider, settings) for provider in ("hosted_vllm", "openai")}
    places |= {provider: address for provider, address in own.items() if address}
    keys = {name: key.get_secret_value() for name, key in settings.provider_keys.items() if name in places}
    return LocalModels(places, keys)


def probe(places: dict[str, str], keys: dict[str, str] | None = None) -> tuple[LocalServer, ...]:
    """Ask all places at once for their models; those that answer within `PROBE_SECONDS`, in the order given."""
    answers: dict[str, tuple[str, ...]] = {}

    def ask(provider: str, address: str) -> None:
        if models := _models(address, (keys or {}).get(provider)):
            answers[provider] = models

    threads = [threading.Thread(target=ask, args=place, name="probe-one", daemon=True) for place in places.items()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + PROBE_SECONDS
    for thread in threads:
        thread.join(max(deadline - time.monotonic(), 0))
    found = dict(answers)  # a late one may still come in
    return tuple(
        LocalServer(provider, LOCAL_SERVERS.get(provider, ("A server of your own",))[0], address, found[provider])
        for provider, address in places.items()
        if provider in found
    )


def _models(address: str, key: str | None) -> tuple[str, ...]:
    """What a server with OpenAI's interface offers; nothing where there is none. Takes no proxy, unlike urllib."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        connection = kind(parts.hostname or "", parts.port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", f"{parts.path}/models", headers={"Authorization": f"Bearer {key}"} if key else {})
            response = connection.getresponse()
            listed = json.loads(response.read(MAX_BYTES))["data"] if response.status == 200 else []
        finally:
            connection.close()
        names = [str(model["id"]) for model in listed]
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):  # whatever it is, it serves no models
        return ()
    usable = [name for name in names if name and not any(part in name.lower() for part in NO_CHAT)]
    return tuple(name for name in usable if not any(character.isspace() for character in name))[:MAX_MODELS]
