"""What people paste, as what git needs: a clone URL with the ref and folder that a page of a host names."""

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from rlm_app.errors import CloneRefused, InvalidSource

MAX_CHARS = 2_000
_EXAMPLES = "Give https://host/owner/name, owner/name for GitHub, or a folder of this machine."
_SHORTHAND = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}"
_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*:"
_SCP_LIKE = r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+\.[A-Za-z]{2,}):(?!/)(.+)"
_HOSTED = r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(?::\d+)?/.+"
_HOSTS = {
    "github.com": "github",
    "gitlab.com": "gitlab",
    "bitbucket.org": "bitbucket",
    "codeberg.org": "gitea",
    "gitea.com": "gitea",
}
_FIRST_LABELS = {"github": "github", "gitlab": "gitlab", "gitea": "gitea", "forgejo": "gitea"}
_PAGES = {
    "github": r"(?:tree|blob|raw|blame|edit|commits)/(?P<tail>.+)|commit/(?P<sha>\w+)"
    r"|releases/tag/(?P<ref>.+)|pull/(?P<pull>\d+)(?:/.*)?",
    "gitlab": r"-/(?:(?:tree|blob|raw|blame|edit|commits)/(?P<tail>.+)|commit/(?P<sha>\w+)|tags/(?P<ref>.+)"
    r"|merge_requests/(?P<pull>\d+)(?:/.*)?)",
    "bitbucket": r"(?:src|annotate)/(?P<tail>.+)|commits/(?P<sha>\w+)|branch/(?P<ref>.+)",
    "gitea": r"(?:src|raw|commits)/(?:branch|tag|commit)/(?P<tail>.+)|commit/(?P<sha>\w+)"
    r"|releases/tag/(?P<ref>.+)|pulls/(?P<pull>\d+)(?:/.*)?",
}
_PULLS = {"github": "refs/pull/{}/head", "gitea": "refs/pull/{}/head", "gitlab": "refs/merge-requests/{}/head"}
_LINES = {
    "github": "blob/{commit}/{{path}}#L{{first}}-L{{last}}",
    "gitlab": "-/blob/{commit}/{{path}}#L{{first}}-{{last}}",
    "bitbucket": "src/{commit}/{{path}}#lines-{{first}}:{{last}}",
    "gitea": "src/commit/{commit}/{{path}}#L{{first}}-L{{last}}",
}
_USERS = {"github": "x-access-token", "gitlab": "oauth2", "bitbucket": "x-token-auth"}


@dataclass(frozen=True)
class Address:
    """A repository on a server.

    Args:
        url: what git clones; has no credentials, query or fragment.
        name: owner/name.
        tail: ref and folder of a page, not yet told apart: a ref may have slashes.
        ref: exact ref or commit, where a page names one.
    """

    url: str
    scheme: str
    host: str
    port: int
    name: str
    kind: str | None = None
    tail: str = ""
    ref: str | None = None

    @property
    def origin(self) -> str:
        return self.url[: self.url.index("/", len(self.scheme) + 3) + 1]

    @property
    def user(self) -> str:
        """The user name that goes with a token on this host."""
        return _USERS.get(self.kind or "", "token")

    def web_url(self, commit: str) -> str | None:
        """The host's page for lines of a file at `commit`, with {path}, {first} and {last} left to fill in."""
        if self.kind is None:
            return None
        base = self.url.removesuffix(".git").replace("{", "%7B").replace("}", "%7D")
        return f"{base}/{_LINES[self.kind].format(commit=commit)}"


def parse(source: str, *, allow_local: bool, allow_hosts: Collection[str] = ()) -> Address | Path:
    """The address that a source names, or the folder.

    Args:
        source: URL of a repository or of a page of one, `owner/name`, or a path.
        allow_local: whether a folder of this machine may be read.
        allow_hosts: hosts for which `http` will do.

    Raises:
        InvalidSource, CloneRefused: one sentence with what to do; it never repeats credentials.
    """
    source = source.strip()
    _check_characters(source)
    if source.lower().startswith("file:"):
        parts = urlsplit(source)
        if parts.netloc not in ("", "localhost"):
            raise InvalidSource("A file address has no host; give the folder's path.")
        return _local(unquote(parts.path), allow_local)
    if "://" in source and re.match(_SCHEME, source):
        return _parse_url(source, allow_hosts)
    if source.startswith(("/", ".", "~")):
        return _local(source, allow_local)
    if scp := re.fullmatch(_SCP_LIKE, source):
        raise CloneRefused(f"Only https addresses are cloned; try https://{scp[1]}/{scp[2]}.")
    if allow_local and os.path.isdir(source):
        return _local(source, allow_local)
    if re.fullmatch(_SHORTHAND, source):
        return _parse_url(f"https://github.com/{source}", ())
    if re.fullmatch(_HOSTED, source):
        return _parse_url(f"https://{source}", allow_hosts)
    raise InvalidSource(f"“{source[:80]}” is no Git address and no folder here. {_EXAMPLES}")


def _check_characters(source: str) -> None:
    if not source:
        raise InvalidSource(f"There is no address. {_EXAMPLES}")
    if len(source) > MAX_CHARS:
        raise InvalidSource(f"The address is longer than {MAX_CHARS:,} characters. {_EXAMPLES}")
    if not source.isprintable():
        raise InvalidSource(f"The address has control characters in it. {_EXAMPLES}")
    if source.startswith("-"):
        raise InvalidSource(f"An address cannot begin with a dash. {_EXAMPLES}")


def _local(path: str, allow_local: bool) -> Path:
    if not allow_local:
        raise CloneRefused("Folders of this machine cannot be read here; give an https address.")
    return Path(os.path.expanduser(path)).absolute()


def _parse_url(source: str, allow_hosts: Collection[str]) -> Address:
    try:
        parts = urlsplit(source)
        host = (parts.hostname or "").rstrip(".").encode("idna").decode()
        port = parts.port
    except ValueError:
        raise InvalidSource(f"That is no usable address. {_EXAMPLES}") from None
    scheme = parts.scheme.lower()
    if "@" in parts.netloc and scheme in ("http", "https"):
        raise CloneRefused(
            f"The address has credentials in it; remove them and set a token for {host or 'the host'} in Settings."
        )
    if not host:
        raise InvalidSource(f"The address names no host. {_EXAMPLES}")
    if scheme != "https" and not (scheme == "http" and host in allow_hosts):
        raise CloneRefused(f"Only https addresses are cloned; try https://{host}{parts.path}.")
    host = host.removeprefix("www.") if host.removeprefix("www.") in _HOSTS else host
    return _parse_page(parts, scheme, host, port or (443 if scheme == "https" else 80))


def _parse_page(parts: SplitResult, scheme: str, host: str, port: int) -> Address:
    path = unquote(parts.path).strip("/")
    segments = [segment for segment in path.split("/") if segment]
    if any(segment in (".", "..") for segment in segments) or "\\" in path or not path.isprintable():
        raise InvalidSource(f"The address has “..” or odd characters in its path. {_EXAMPLES}")
    kind = _HOSTS.get(host) or _FIRST_LABELS.get(host.partition(".")[0]) or _kind_by_shape(segments)
    count = _repository_segments(segments, kind)
    if len(segments) < count or not segments:
        raise InvalidSource(f"{host}/{path} names no repository; give https://{host}/owner/name.")
    page = "/".join(segments[count:])
    repository = [*segments[: count - 1], segments[count - 1].removesuffix(".git")]
    suffix = ".git" if kind or segments[count - 1].endswith(".git") else ""
    found = re.fullmatch(_PAGES[kind], page) if kind else None
    names = found.groupdict() if found else {}
    ref = names.get("sha") or names.get("ref")
    if kind in _PULLS and names.get("pull"):
        ref = _PULLS[kind].format(names["pull"])
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port == {"https": 443, "http": 80}[scheme] else f"{shown}:{port}"
    url = f"{scheme}://{netloc}/{quote('/'.join(repository))}{suffix}"
    return Address(url, scheme, host, port, "/".join(repository), kind, names.get("tail") or "", ref)


def _kind_by_shape(segments: list[str]) -> str | None:
    """The kind of a server we do not know, by the form of its page addresses."""
    if "-" in segments[2:]:
        return "gitlab"
    match segments[2:]:
        case ["src" | "raw" | "commits", "branch" | "tag" | "commit", *_]:
            return "gitea"
        case ["tree" | "blob", _, *_]:
            return "github"
    return None


def _repository_segments(segments: list[str], kind: str | None) -> int:
    """How many segments name the repository: two but on GitLab, which has subgroups, and on servers we do not know."""
    for at, segment in enumerate(segments):
        if segment.endswith(".git") and len(segment) > 4:
            return at + 1
    if kind == "gitlab":
        return max(segments.index("-", 2) if "-" in segments[2:] else len(segments), 2)
    return 2 if kind else max(len(segments), 1)


def ends_in_number(host: str) -> bool:
    """True for a host that resolvers read as an address in an odd spelling: `2130706433`, `0x7f.1`, `127.1`."""
    import ipaddress  # only for hosts: a folder of this machine is read without it

    try:
        ipaddress.ip_address(host)
    except ValueError:
        return re.fullmatch(r"\d+|0[xX][0-9a-fA-F]*", host.rpartition(".")[2]) is not None
    return False
