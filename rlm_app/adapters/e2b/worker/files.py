"""The worker's folder, through which large bodies pass."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from typing import Any


class Folder:
    def __init__(self, path: str) -> None:
        self.path = path

    def __truediv__(self, name: str) -> str:
        return os.path.join(self.path, name)

    def load(self, name: str, about: dict[str, Any]) -> bytes:
        """The bytes of an upload.

        Raises:
            OSError, ValueError: it is not there, or not all of it.
        """
        with open(self / name, "rb") as file:
            data = file.read()
        if len(data) != about["bytes"] or hashlib.sha256(data).hexdigest() != about["sha256"]:
            raise ValueError(f"{name} is not whole")
        return data

    def save(self, name: str, data: bytes) -> dict[str, Any]:
        """Write a file for the host to fetch; returns what tells it apart from a partial or another one."""
        with open(self / name, "wb") as file:
            file.write(data)
        return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

    def discard(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self / name)

    def unpack(self, name: str) -> None:
        """Put the files of an archive into the working directory.

        It stays: where the host could not know that a worker had started, a second one does the same.
        """
        with zipfile.ZipFile(self / name) as archive:
            archive.extractall()
