"""What git said when it failed, as one sentence for people."""

import errno
import re

from rlm_app.adapters.git.address import Address
from rlm_app.adapters.git.command import GitFailed
from rlm_app.adapters.git.refs import Target
from rlm_app.errors import CloneFailed, InvalidSource

_UNREACHABLE = re.compile(
    r"Could not resolve|Failed to connect|Couldn't connect|Connection (?:refused|timed out|reset)|timed? ?out"
    r"|Operation too slow|transfer closed|Empty reply|early EOF|unexpected disconnect|hung up|SSL|TLS|certificate"
    r"|No route to host|unreachable|error: (?:5\d\d|408|429)|RPC failed",
    re.IGNORECASE,
)
_NO_ACCESS = re.compile(
    r"could not read (?:Username|Password)|Authentication failed|error: 40[13]|Access denied|[Rr]epository .*not found"
    r"|error: 404|not authorized",
    re.IGNORECASE,
)
_NO_REPOSITORY = re.compile(
    r"is this a git repository|does not appear to be a git repository|not valid: "
    r"|unexpected (?:content|http)|invalid (?:server|content)|protocol error|bad line length|error: 4(?!08|29)\d\d",
    re.IGNORECASE,
)


class Unreachable(CloneFailed):
    """The host did not answer; what is in the cache may still do."""


class Redirected(CloneFailed):
    """The server has the repository elsewhere."""


class RefMoved(Exception):
    """A ref names another commit than it did a moment ago."""


def failure(error: GitFailed, address: Address, *, has_token: bool, target: Target | None = None) -> Exception:
    """The error to raise for what git said of an address."""
    host, name, url = address.host, address.name, address.url
    said = error.stderr.replace(url, "the address")  # whose words are none of git's
    if "No space left on device" in said:
        return OSError(errno.ENOSPC, "no space left on device")
    if re.search(r"error: 30\d|from redirection", said):
        return Redirected(f"{url} redirects to another address, which is not followed; give the address it leads to.")
    if target and re.search(r"not our ref|unadvertised object|couldn't find remote ref", said):
        return CloneFailed(f"{name} has no commit {target.commit}; check it, or give a branch or tag.")
    if _NO_ACCESS.search(said):
        if has_token:
            return CloneFailed(f"The token for {host} does not open {name}; check the address and the token's rights.")
        return CloneFailed(
            f"There is no repository at {url}, or it is private; check the address, "
            f"or set a token for {host} in Settings."
        )
    if _NO_REPOSITORY.search(said):
        return InvalidSource(f"{url} is no Git repository; give the address that “git clone” would take.")
    if _UNREACHABLE.search(said):
        return Unreachable(f"{host} cannot be reached ({last_line(said)}); check your connection and try again.")
    return CloneFailed(f"Git could not read {name} ({last_line(said)}); check the address and try again.")


def last_line(said: str) -> str:
    """The most telling line of git's words, short and without what it calls itself."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or ["it gave no reason"]
    fatal = next((line for line in lines if line.startswith("fatal:")), lines[-1])
    plain = re.sub(r"^(?:fatal|error): ", "", fatal).rstrip(".")
    return "".join(filter(str.isprintable, plain))[:200]
