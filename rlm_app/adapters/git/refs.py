"""What a branch, a tag or the tail of a page address means, told from what a server advertises."""

import re
from dataclasses import dataclass

from rlm_app.errors import CloneFailed, CorpusEmpty

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHORT = re.compile(r"[0-9a-f]{7,63}")


@dataclass(frozen=True)
class Refs:
    """The refs of a server: full name to commit, annotated tags peeled; `head` is the branch HEAD points to."""

    commits: dict[str, str]
    head: str | None


@dataclass(frozen=True)
class Target:
    """A commit, the name shown for how it was found, and the full ref name to fetch it by (None: by its hash)."""

    commit: str
    ref: str | None
    refname: str | None


def is_commit(text: str) -> bool:
    """True for a full commit hash, which never names anything else."""
    return _COMMIT.fullmatch(text) is not None


def parse_refs(listing: bytes) -> Refs:
    """The output of `git ls-remote --symref`."""
    commits: dict[str, str] = {}
    head = None
    for line in listing.decode(errors="replace").splitlines():
        left, _, name = line.partition("\t")
        if left.startswith("ref: ") and name == "HEAD":
            head = left[5:]
        elif _COMMIT.fullmatch(left):
            commits[name.removesuffix("^{}")] = left  # the peeled line follows the tag's own
    return Refs(commits, head)


def find(refs: Refs, wanted: str | None, repository: str) -> Target:
    """The commit that `wanted` names: a branch, a tag, a full ref, a commit; None for what HEAD points to.

    Raises:
        CorpusEmpty: the repository has no commits.
        CloneFailed: no such ref.
    """
    if not refs.commits:
        raise CorpusEmpty(f"{repository} has no commits; push something to it, or check the address.")
    if wanted is None:
        return _head(refs, repository)
    if target := _lookup(refs, wanted):
        return target
    raise CloneFailed(
        f"{repository} has no branch, tag or commit “{wanted[:100]}”; check its spelling, "
        "or give all 40 characters of a commit."
    )


def split_tail(refs: Refs, tail: str, repository: str) -> tuple[str, str]:
    """The ref and the folder in a page's `<ref>/<folder>`. A ref may have slashes: the longest that exists wins.

    Raises:
        CorpusEmpty, CloneFailed: as `find`.
    """
    segments = tail.strip("/").split("/")
    for count in range(len(segments), 0, -1):
        ref = "/".join(segments[:count])
        if _lookup(refs, ref):
            return ref, "/".join(segments[count:])
    find(refs, segments[0], repository)
    raise AssertionError("a first segment that is a ref was found above")


def _lookup(refs: Refs, wanted: str) -> Target | None:
    if wanted == "HEAD" and "HEAD" in refs.commits:
        return Target(refs.commits["HEAD"], "HEAD", "HEAD")
    for prefix in ("refs/heads/", "refs/tags/", "refs/", ""):
        name = prefix + wanted
        if name.startswith("refs/") and name in refs.commits:
            return Target(refs.commits[name], wanted, name)
    if _COMMIT.fullmatch(wanted):
        return Target(wanted, None, next((name for name, commit in refs.commits.items() if commit == wanted), None))
    if _SHORT.fullmatch(wanted):
        fitting = {commit: name for name, commit in refs.commits.items() if commit.startswith(wanted)}
        if len(fitting) == 1:
            [(commit, name)] = fitting.items()
            return Target(commit, None, name)
    return None


def _head(refs: Refs, repository: str) -> Target:
    if commit := refs.commits.get("HEAD"):
        return Target(commit, (refs.head or "HEAD").removeprefix("refs/heads/"), "HEAD")
    raise CloneFailed(f"The default branch of {repository} does not exist; name a branch or tag that does.")
