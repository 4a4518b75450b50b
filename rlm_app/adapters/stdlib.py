"""The standard library of the running interpreter as a corpus: a benchmark that needs no download and no licence."""

import platform
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from rlm_app.codebase import Corpus
from rlm_app.errors import DatasetUnavailable
from rlm_app.flatten import Blob, flatten

NAME = "python/stdlib"
_LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__", "__phello__"}
_LEFT_OUT |= {"idlelib", "lib2to3", "turtledemo", "pydoc_data", "ensurepip", "distutils", "lib-dynload"}


def load(folder: Path | None = None) -> Corpus:
    """Its Python files, without tests, tables and what only comes along with it; the revision is Python's version.

    Args:
        folder: where the library lies; None: that of this interpreter.

    Raises:
        DatasetUnavailable: this Python came without the source of its library.
    """
    top = folder or Path(sysconfig.get_path("stdlib"))
    blobs = list(_files(top))
    if not blobs:
        raise DatasetUnavailable(
            f"This Python has no source of its library in {top}; make questions from a repository instead: "
            "rlm-app questions SOURCE --name NAME."
        )
    corpus, _ = flatten(blobs, name=NAME, revision=platform.python_version())
    return corpus


def _files(top: Path) -> Iterator[Blob]:
    for path in top.rglob("*.py"):
        parts = path.relative_to(top).parts
        # Debian and others put names of the build machine into files like _sysconfigdata__linux_x86_64-linux-gnu.py.
        if _LEFT_OUT.isdisjoint(parts) and not parts[-1].startswith("_sysconfigdata") and path.is_file():
            yield Blob("/".join(parts), path.read_bytes())
