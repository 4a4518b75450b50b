"""Bytes of a repository as text: file contents, notebooks and paths."""

import json
import re
from typing import Any

BINARY = "binary"
LFS_POINTER = "LFS pointer"
UNDECODABLE = "not decodable as text"

_LFS_HEAD = b"version https://git-lfs.github.com/spec/v1\n"
_LFS_MAX_BYTES = 1024  # the specification allows no longer pointer
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_UTF8_MARK = b"\xef\xbb\xbf"
_CONTROLS = rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]"
_UNSHOWABLE = (
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\udc80-\udcff]"
    r"|\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})"
)


class LeftOut(Exception):
    """A file that is no text; `str(error)` is the reason, one of the constants of this module."""


def decode(path: str, data: bytes) -> str:
    """The text of a file, with its line ends as they are.

    UTF-8 and UTF-16 with a byte order mark lose the mark, which says how a file is encoded and is not part of it.
    What is not UTF-8 is Latin-1 unless it has control characters. Notebooks become their source cells.

    Raises:
        LeftOut: the reason why the file has no text.
    """
    if data.startswith(_UTF16_MARKS):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError:
            raise LeftOut(UNDECODABLE) from None
        if "\0" in text:
            raise LeftOut(BINARY)
        return text
    if b"\0" in data:
        raise LeftOut(BINARY)
    if len(data) <= _LFS_MAX_BYTES and data.startswith(_LFS_HEAD):
        raise LeftOut(LFS_POINTER)
    try:
        text = data.removeprefix(_UTF8_MARK).decode()
    except UnicodeDecodeError:
        if re.search(_CONTROLS, data):
            raise LeftOut(BINARY) from None
        text = data.decode("latin-1")
    return source_cells(text) if path.endswith(".ipynb") else text


def source_cells(notebook: str) -> str:
    """The source of a notebook's cells, each under a `# %% [code]` or `# %% [markdown]` line, without outputs.

    What is no notebook comes back as it is.
    """
    try:
        document = json.loads(notebook)
        worksheets = document.get("worksheets") or [document]  # nbformat 3 nests the cells once more
        cells = [_cell(cell) for sheet in worksheets for cell in sheet["cells"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return notebook
    return "\n".join(cells)


def _cell(cell: dict[str, Any]) -> str:
    source = cell["source"] if "source" in cell else cell["input"]
    text = source if isinstance(source, str) else "".join(source)
    kind = "".join(filter(str.isalpha, str(cell["cell_type"])))[:20]
    # JSON can spell halves of characters and NUL, which no file of text holds and no database takes.
    text = text.encode(errors="replace").decode().replace("\0", "").rstrip("\n")
    return f"# %% [{kind}]\n{text}\n"


def readable_path(raw: bytes) -> str:
    r"""A path as one line of text, different for different paths.

    Control and direction characters become `\x0a` or `\u2028`, bytes that are not UTF-8 `\xff`, and a backslash
    `\x5c` where it would read as one of these. All other paths stay as they are.
    """
    path = raw.decode(errors="surrogateescape")
    if path.isprintable() and "\\" not in path:  # as nearly all are, and then there is nothing to replace
        return path
    return re.sub(_UNSHOWABLE, _escape, path)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}"
