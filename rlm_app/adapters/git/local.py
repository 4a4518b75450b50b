"""A Git repository in a folder of this machine, read in place at a commit."""

import os
from dataclasses import dataclass
from pathlib import Path

from rlm_app.adapters.git.command import GitFailed, Place, output
from rlm_app.errors import CloneFailed, CorpusEmpty, InvalidSource
from rlm_app.stop import Stop

UNCOMMITTED = "Changes that are not committed are not seen."


@dataclass(frozen=True)
class LocalRepository:
    """Where a folder's repository keeps its objects, its top folder, and the part of it that was named.

    Args:
        head: the commit that is checked out, and its branch where there is one; None before the first commit.
    """

    git_dir: Path
    top: Path
    part: str
    bare: bool
    head: tuple[str, str | None] | None

    def resolve(self, ref: str | None, stop: Stop) -> tuple[str, str | None]:
        """The commit that a ref names (None: HEAD), and the name to show for it.

        Raises:
            CorpusEmpty: there is no commit.
            CloneFailed: no such ref.
        """
        if ref is None:
            if self.head is None:
                raise CorpusEmpty(f"{self.top} has no commits yet; commit something first.")
            return self.head
        verify = ["rev-parse", "--verify", "--quiet", "--end-of-options"]
        try:
            return output([*verify, f"{ref}^{{commit}}"], Place(self.git_dir), stop).decode().strip(), ref
        except GitFailed:
            raise CloneFailed(f"{self.top} has no branch, tag or commit “{ref[:100]}”; check its spelling.") from None


def open_local(path: Path, stop: Stop) -> LocalRepository:
    """The repository that a folder is, or is part of.

    Raises:
        InvalidSource: no such folder, or it belongs to no repository.
    """
    if not os.path.isdir(path):
        raise InvalidSource(f"There is no folder {path}; check the path.")
    try:
        bare, git_dir, prefix, *head = _ask(path, stop)
    except (GitFailed, ValueError):
        raise InvalidSource(
            f"{path} is not a Git repository; run “git init” and commit there, or give a folder that is one."
        ) from None
    part = prefix.rstrip("/")
    top = path.resolve()
    for _ in Path(part).parts:
        top = top.parent
    return LocalRepository(Path(git_dir), top, part, bare == "true", _head(head))


def _ask(path: Path, stop: Stop) -> list[str]:
    """What git says of a folder: whether it is bare, `.git`, the part named and, from the first commit on, its head."""
    place = ["-C", str(path), "rev-parse", "--is-bare-repository", "--absolute-git-dir", "--show-prefix"]
    try:
        said = output([*place, "HEAD^{commit}", "--abbrev-ref", "HEAD", "--"], Place(), stop)
    except GitFailed:  # perhaps for want of a commit alone
        said = output(place, Place(), stop)
    return os.fsdecode(said).split("\n")


def _head(told: list[str]) -> tuple[str, str | None] | None:
    if len(told) < 2:
        return None
    commit, ref = told[:2]
    return commit, None if ref == "HEAD" else ref  # which is what git calls a detached one
