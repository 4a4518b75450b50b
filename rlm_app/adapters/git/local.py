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
    """Where a folder's repository keeps its objects, its top folder, and the part of it that was named."""

    git_dir: Path
    top: Path
    part: str
    bare: bool

    def resolve(self, ref: str | None, stop: Stop) -> tuple[str, str | None]:
        """The commit that a ref names (None: HEAD), and the name to show for it.

        Raises:
            CorpusEmpty: there is no commit.
            CloneFailed: no such ref.
        """
        place = Place(self.git_dir)
        verify = ["rev-parse", "--verify", "--quiet", "--end-of-options"]
        try:
            commit = output([*verify, f"{ref or 'HEAD'}^{{commit}}"], place, stop).decode().strip()
        except GitFailed:
            if ref is None:
                raise CorpusEmpty(f"{self.top} has no commits yet; commit something first.") from None
            raise CloneFailed(f"{self.top} has no branch, tag or commit “{ref[:100]}”; check its spelling.") from None
        if ref is not None:
            return commit, ref
        try:
            return commit, output(["symbolic-ref", "--quiet", "--short", "HEAD"], place, stop).decode().strip()
        except GitFailed:
            return commit, None  # a detached HEAD


def open_local(path: Path, stop: Stop) -> LocalRepository:
    """The repository that a folder is, or is part of.

    Raises:
        InvalidSource: no such folder, or it belongs to no repository.
    """
    if not os.path.isdir(path):
        raise InvalidSource(f"There is no folder {path}; check the path.")
    question = ["-C", str(path), "rev-parse", "--is-bare-repository", "--absolute-git-dir", "--show-prefix"]
    try:
        bare, git_dir, prefix = os.fsdecode(output(question, Place(), stop)).split("\n")[:3]
    except (GitFailed, ValueError):
        raise InvalidSource(
            f"{path} is not a Git repository; run “git init” and commit there, or give a folder that is one."
        ) from None
    part = prefix.rstrip("/")
    top = path.resolve()
    for _ in Path(part).parts:
        top = top.parent
    return LocalRepository(Path(git_dir), top, part, bare == "true")
