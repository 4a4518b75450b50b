"""From what people name to a commit in the cache, with as little network as will do."""

import json
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rlm_app.adapters.git.address import Address, parse
from rlm_app.adapters.git.cache import Cache, Resolved, key_of
from rlm_app.adapters.git.failures import Redirected, RefMoved, Unreachable
from rlm_app.adapters.git.guard import Resolve, public_addresses
from rlm_app.adapters.git.limits import Limits
from rlm_app.adapters.git.refs import Target, find, is_commit, split_tail
from rlm_app.adapters.git.remote import ASK_SECONDS, Remote
from rlm_app.adapters.git.snapshot import Load, Snapshot
from rlm_app.codebase import Selection
from rlm_app.errors import CloneFailed, UserError
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from pydantic import SecretStr

_TRIES = 3


@dataclass(frozen=True)
class Access:
    """Whom to talk to: tokens by host, hosts allowed on private addresses and over `http`, and how names resolve."""

    tokens: "Mapping[str, SecretStr]"
    allow_hosts: Collection[str]
    resolve: Resolve

    def token(self, address: Address) -> "SecretStr | None":
        found = self.tokens.get(f"{address.host}:{address.port}") or self.tokens.get(address.host)
        return found if found and found.get_secret_value() else None

    def reach(self, address: Address, stop: Stop) -> Remote:
        """The server of an address, once it is known to be one we may talk to. Raises: CloneRefused, Unreachable."""
        return Remote(address, public_addresses(address, self.resolve, self.allow_hosts, stop), self.token(address))


class Opener:
    """Opens commits of servers, from the cache where they are there already."""

    def __init__(self, cache: Cache, limits: Limits, access: Access) -> None:
        self._cache, self._limits, self._access = cache, limits, access

    @contextmanager
    def open(self, address: Address, load: Load) -> Iterator[Snapshot]:
        """A commit to read from within the block.

        Raises:
            UserError: one sentence with what to do.
            RunError: the cause of the stop.
        """
        for _ in range(_TRIES):
            resolved, notes = self._resolve(address, load)
            try:
                make = partial(self._fetch, address, resolved, load)
                with self._cache.clone(self._clone_key(address, resolved), make, load.stop) as folder:
                    load.cloning(1, 1, resolved.commit[:7])
                    yield self._snapshot(address, resolved, folder, notes)
                    return
            except RefMoved:
                self._cache.forget(self._repository_key(address))
        raise CloneFailed(f"{address.name} changes faster than it can be cloned; name a commit instead of a branch.")

    def cached(self, address: Address, selection: Selection) -> str | None:
        """The commit that `open` would give without asking the server, None where it would ask."""
        known = self._cache.recall(self._repository_key(address), _request(address, selection))
        if known and self._is_fresh(known, address, selection) and self._cache.has(self._clone_key(address, known)):
            return known.commit
        return None

    def _resolve(self, address: Address, load: Load) -> tuple[Resolved, tuple[str, ...]]:
        repository, request = self._repository_key(address), _request(address, load.selection)
        known = self._cache.recall(repository, request)
        if known and self._is_fresh(known, address, load.selection):
            return known, _moved_note(address, known)
        load.cloning(0, None, f"asking {address.host}")
        try:
            resolved = self._look_up(address, load)
        except Unreachable as error:
            if not known or not self._cache.has(self._clone_key(address, known)):
                raise
            return known, (*_moved_note(address, known), _stale_note(address, known, error))
        self._cache.remember(repository, request, resolved)
        return resolved, _moved_note(address, resolved)

    def _is_fresh(self, known: Resolved, address: Address, selection: Selection) -> bool:
        fixed = is_commit(selection.ref or address.ref or "")
        return fixed or 0 <= time.time() - known.at < self._limits.trust_seconds

    def _look_up(self, address: Address, load: Load) -> Resolved:
        """Ask the server, and follow a repository that has moved within its host."""
        for _ in range(_TRIES):
            remote = self._access.reach(address, load.stop)
            try:
                refs = remote.refs(load.stop, min(ASK_SECONDS, self._limits.seconds))
                break
            except Redirected as error:
                address = self._follow(address, remote.moved_to(load.stop), error)
        else:
            raise CloneFailed(f"{address.host} redirects in circles; give the address that it should lead to.")
        ref, folder = split_tail(refs, address.tail, address.name) if address.tail else (address.ref, "")
        target = find(refs, load.selection.ref or ref, address.name)
        return Resolved(target.commit, target.ref, target.refname, folder, address.url, time.time())

    def _follow(self, address: Address, location: str | None, error: Redirected) -> Address:
        try:
            moved = parse(location or "", allow_local=False, allow_hosts=self._access.allow_hosts)
        except UserError:
            raise error from None
        here = (address.scheme, address.host, address.port)
        if not isinstance(moved, Address) or (moved.scheme, moved.host, moved.port) != here:
            raise error
        return replace(address, url=moved.url, name=moved.name)

    def _fetch(self, address: Address, resolved: Resolved, load: Load, folder: Path) -> None:
        remote = self._access.reach(replace(address, url=resolved.url), load.stop)
        target = Target(resolved.commit, resolved.ref, resolved.refname)
        remote.fetch(folder, target, self._limits, load.stop, load.cloning)

    def _snapshot(self, address: Address, resolved: Resolved, folder: Path, notes: tuple[str, ...]) -> Snapshot:
        address = self._at(address, resolved)
        return Snapshot(
            folder,
            resolved.commit,
            resolved.ref,
            resolved.folder,
            address.name,
            address.url,
            address.web_url(resolved.commit),
            notes,
        )

    def _at(self, address: Address, resolved: Resolved) -> Address:
        """The address after any move."""
        if resolved.url == address.url:
            return address
        moved = parse(resolved.url, allow_local=False, allow_hosts=self._access.allow_hosts)
        return replace(address, url=resolved.url, name=moved.name)

    def _repository_key(self, address: Address) -> str:
        """What one token may read is not served to another."""
        token = self._access.token(address)
        return key_of(address.url, token.get_secret_value() if token else "")

    def _clone_key(self, address: Address, resolved: Resolved) -> str:
        return key_of(self._repository_key(address), resolved.url, resolved.commit, str(self._limits.file_bytes))


def _request(address: Address, selection: Selection) -> str:
    return json.dumps([selection.ref, address.ref, address.tail])


def _moved_note(address: Address, resolved: Resolved) -> tuple[str, ...]:
    same = resolved.url.removesuffix(".git") == address.url.removesuffix(".git")
    return () if same else (f"The repository has moved to {resolved.url}.",)


def _stale_note(address: Address, known: Resolved, error: Unreachable) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(known.at))
    return f"{error} This is the commit that {known.ref or 'it'} had on {when}."
