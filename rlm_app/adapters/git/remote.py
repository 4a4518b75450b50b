"""A repository on a server: which refs it has, and one commit of it as a bare clone."""

import base64
import re
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rlm_app.adapters.git.address import Address
from rlm_app.adapters.git.cache import disk_bytes
from rlm_app.adapters.git.command import GitFailed, GitTimedOut, Place, output, running
from rlm_app.adapters.git.failures import RefMoved, Unreachable, failure
from rlm_app.adapters.git.guard import is_literal
from rlm_app.adapters.git.limits import Limits, in_bytes
from rlm_app.adapters.git.refs import Refs, Target, parse_refs
from rlm_app.errors import CloneFailed, CorpusTooLarge
from rlm_app.stop import Stop

if TYPE_CHECKING:
    from pydantic import SecretStr

Report = Callable[[int, int | None, str], None]
"""Called with done, total and a note."""

TIP = "refs/corpus/tip"
ASK_SECONDS = 60.0
_WATCH_SECONDS = 0.2


@dataclass(frozen=True)
class Remote:
    """How to talk to the server of one address.

    Args:
        addresses: what the host was resolved to when it was checked; git connects to these.
        token: for a private repository; sent in a header to this origin alone.
    """

    address: Address
    addresses: tuple[str, ...] = ()
    token: "SecretStr | None" = field(default=None)

    def place(self, folder: Path | None = None, **settings: str) -> Place:
        """Git allowed to talk to this origin alone, with the token where there is one."""
        address = self.address
        secrets: tuple[str, ...] = ()
        if self.addresses and not is_literal(address.host):
            hosts = ",".join(f"[{each}]" if ":" in each else each for each in self.addresses)
            settings["http.curloptResolve"] = f"{address.host}:{address.port}:{hosts}"
        if self.token:
            plain = self.token.get_secret_value()
            basic = base64.b64encode(f"{address.user}:{plain}".encode()).decode()
            settings[f"http.{address.origin}.extraHeader"] = f"Authorization: Basic {basic}"
            secrets = (plain, basic)
        return Place(folder, address.scheme, settings, secrets)

    def refs(self, stop: Stop, seconds: float = ASK_SECONDS) -> Refs:
        """Ask the server for its refs.

        Raises:
            Unreachable, CloneFailed, CloneRefused, InvalidSource: one sentence with what to do.
        """
        try:
            return parse_refs(
                output(["ls-remote", "--symref", "--", self.address.url], self.place(), stop, seconds=seconds)
            )
        except GitTimedOut:
            raise Unreachable(
                f"{self.address.host} did not answer within {seconds:,.0f} seconds; try again later."
            ) from None
        except GitFailed as error:
            raise failure(error, self.address, has_token=bool(self.token)) from None

    def moved_to(self, stop: Stop) -> str | None:
        """The address the server redirects to, None if it does not. Asked without the token."""
        place = replace(replace(self, token=None).place(), trace=True)
        try:
            output(["ls-remote", "--", self.address.url, "HEAD"], place, stop, seconds=ASK_SECONDS)
        except GitTimedOut:
            return None
        except GitFailed as error:
            found = re.search(r"<= Recv header: location: (\S+)/info/refs\b", error.stderr, re.IGNORECASE)
            return found[1] if found else None
        return None

    def fetch(self, folder: Path, target: Target, limits: Limits, stop: Stop, report: Report) -> None:
        """Make a bare clone of one commit in `folder`, without files over the per-file limit.

        Raises:
            RefMoved: the ref names another commit by now.
            CorpusTooLarge: over the limit on disk.
            UserError: as `refs`.
        """
        begin(folder, self.address.url)
        wanted = target.refname or target.commit
        arguments = [
            "fetch",
            "--depth=1",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--progress",
        ]
        arguments += [f"--filter=blob:limit={limits.file_bytes + 1}", "origin", f"+{wanted}:{TIP}"]
        try:
            with running(arguments, self.place(folder), stop, seconds=limits.seconds, on_line=on_line(report)) as git:
                while not git.wait(_WATCH_SECONDS):
                    self._check_size(folder, limits)
                git.finish()
            self._check_size(folder, limits)
        except GitTimedOut:
            raise CloneFailed(
                f"Cloning {self.address.name} took longer than {limits.seconds:,.0f} seconds, which is the limit; "
                "try again or raise the limit in Settings."
            ) from None
        except GitFailed as error:
            raise failure(error, self.address, has_token=bool(self.token), target=target) from None
        end(folder)
        if (
            output(["rev-parse", "--verify", f"{TIP}^{{commit}}"], Place(folder), stop).decode().strip()
            != target.commit
        ):
            raise RefMoved

    def _check_size(self, folder: Path, limits: Limits) -> None:
        size = disk_bytes(folder)
        if size > limits.repository_bytes:
            raise CorpusTooLarge(
                f"This repository has more than {in_bytes(size)} of data; the limit is "
                f"{in_bytes(limits.repository_bytes)}. Raise the limit in Settings or choose a smaller repository."
            )


def begin(folder: Path, url: str) -> None:
    """Make an empty bare repository with one remote."""
    import git

    folder.mkdir()
    # git.Repo would heed a GIT_DIR or GIT_OBJECT_DIRECTORY in our own environment, as a hook has them.
    output(["init", "--bare", "--quiet"], Place(folder), Stop())
    with git.GitConfigParser(folder / "config", read_only=False) as config:
        config.set_value('remote "origin"', "url", url)


def end(folder: Path) -> None:
    """Forget the remote, so that nothing that is missing is ever fetched by the way."""
    import git

    with git.GitConfigParser(folder / "config", read_only=False) as config:
        config.remove_section('remote "origin"')


def on_line(report: Report) -> Callable[[str], None]:
    """A reader of git's progress lines that reports objects, a few times a second."""
    import git

    class Progress(git.RemoteProgress):
        told = 0.0

        def update(
            self, op_code: int, cur_count: str | float, max_count: str | float | None = None, message: str = ""
        ) -> None:
            now = time.monotonic()
            if now - self.told >= _WATCH_SECONDS or op_code & self.END:
                self.told = now
                stage = stages.get(op_code & self.OP_MASK, "fetching")
                with suppress(OverflowError):  # a server may send any number
                    total = int(float(max_count)) if max_count else None
                    report(int(float(cur_count)), total, f"{stage} {message}".strip())

    stages = {
        Progress.COUNTING: "counting objects",
        Progress.COMPRESSING: "compressing objects",
        Progress.RECEIVING: "receiving objects",
        Progress.RESOLVING: "resolving deltas",
    }
    return Progress().new_message_handler()
