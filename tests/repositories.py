"""Git repositories made from a mapping of paths to contents, for any test that needs one."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Symlink:
    target: bytes


@dataclass(frozen=True)
class Submodule:
    commit: str


Files = Mapping[str | bytes, bytes | Symlink | Submodule]


def make_repository(folder: Path, files: Files, *, branch: str = "main", bare: bool = False) -> str:
    """Make a repository in `folder` with one commit of `files` on `branch`, and return the commit.

    Nothing is checked out, so paths may be what no file system takes. Same files, same commit.
    """
    run_git("init", "--quiet", "--template=", f"--initial-branch={branch}", *(["--bare"] if bare else []), str(folder))
    return commit_files(folder, files, branch=branch)


def commit_files(folder: Path, files: Files, *, branch: str = "main", when: int = 1_700_000_000) -> str:
    """Put a commit that has exactly `files` on `branch`, and return it."""
    stream = [f"commit refs/heads/{branch}\ncommitter A <a@example.org> {when} +0000\ndata 1\nx\n".encode()]
    has_parent = run_git("-C", str(folder), "rev-parse", "--quiet", "--verify", f"refs/heads/{branch}", check=False)
    if has_parent:
        stream.append(f"from refs/heads/{branch}^0\n".encode())
    stream.append(b"deleteall\n")
    for path, content in files.items():
        raw = path.encode() if isinstance(path, str) else path
        quoted = b'"%s"' % raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
        match content:
            case Submodule(commit):
                stream.append(b"M 160000 %s %s\n" % (commit.encode(), quoted))
            case Symlink(target):
                stream.append(b"M 120000 inline %s\ndata %d\n%s\n" % (quoted, len(target), target))
            case _:
                stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (quoted, len(content), content))
    run_git("-C", str(folder), "fast-import", "--quiet", "--force", stdin=b"".join(stream))
    return run_git("-C", str(folder), "rev-parse", f"refs/heads/{branch}")


def run_git(*arguments: str, stdin: bytes = b"", check: bool = True) -> str:
    """What git prints, run with none of this machine's settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], input=stdin, capture_output=True, env=environment, check=False)
    if check and done.returncode:
        raise AssertionError(done.stderr.decode())
    return done.stdout.decode().strip()
