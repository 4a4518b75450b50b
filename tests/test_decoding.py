import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.decoding import BINARY, LFS_POINTER, UNDECODABLE, LeftOut, decode, readable_path, source_cells

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"a\nb", "a\nb"),
        (b"a\r\nb\r\n", "a\r\nb\r\n"),
        ("naïve 🐍\n".encode(), "naïve 🐍\n"),
        (b"\xef\xbb\xbfusing System;\n", "using System;\n"),
        ("ä\n".encode("utf-16"), "ä\n"),
        (b"\xfe\xff" + "ä\n".encode("utf-16-be"), "ä\n"),
        ("Stra\u00dfe\n".encode("latin-1"), "Straße\n"),
        (b"page one\x0c\npage two\n", "page one\x0c\npage two\n"),
        (b"<|endoftext|>\n", "<|endoftext|>\n"),
        (POINTER * 20, (POINTER * 20).decode()),  # too long for a pointer: a text about pointers
    ],
)
def test_text_is_decoded(data: bytes, text: str) -> None:
    assert decode("a.txt", data) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", BINARY),
        (b"text with one \0 in it", BINARY),
        (b"\xfc\x01\x02\x03", BINARY),
        (b"\xff\xfe\0\0a\0\0\0", BINARY),  # UTF-32
        (b"\xff\xfea", UNDECODABLE),
        (b"\xff\xfe\x00\xd8a\0", UNDECODABLE),
        (POINTER, LFS_POINTER),
    ],
)
def test_what_is_no_text_is_left_out_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(LeftOut, match=f"^{reason}$"):
        decode("a.txt", data)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufeff")))
def test_utf8_comes_back_byte_for_byte(text: str) -> None:
    if not text.startswith("version https://git-lfs"):
        assert decode("a.txt", text.encode()).encode() == text.encode()


@given(st.binary())
def test_any_bytes_become_text_that_can_be_stored_or_are_left_out(data: bytes) -> None:
    try:
        text = decode("a.ipynb", data)
    except LeftOut:
        return
    assert "\0" not in text
    text.encode()


def test_a_notebook_becomes_its_source_cells_without_outputs() -> None:
    notebook = {
        "cells": [
            {"cell_type": "markdown", "source": "# Title"},
            {"cell_type": "code", "source": ["x = 1\n", "x"], "outputs": [{"text": "SECRET OUTPUT"}]},
        ],
        "nbformat": 4,
    }
    assert decode("n.ipynb", json.dumps(notebook).encode()) == "# %% [markdown]\n# Title\n\n# %% [code]\nx = 1\nx\n"


def test_an_old_notebook_has_worksheets_and_input() -> None:
    notebook = {"worksheets": [{"cells": [{"cell_type": "code", "input": ["x"]}]}]}
    assert source_cells(json.dumps(notebook)) == "# %% [code]\nx\n"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"cells": 3}', '{"cells": [1]}', "[" * 100_000, "1" * 5000, '{"worksheets": [[]]}']
)
def test_what_is_no_notebook_stays_as_it_is(text: str) -> None:
    assert source_cells(text) == text


def test_a_notebook_cannot_smuggle_in_what_no_store_takes() -> None:
    cell = '{"cells": [{"cell_type": "co\\n=====", "source": "a\\ud800b\\u0000c"}]}'
    assert source_cells(cell) == "# %% [co]\na?bc\n"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"src/a.py", "src/a.py"),
        ("grüße/日本.txt".encode(), "grüße/日本.txt"),
        (b"a b (1) =====.py", "a b (1) =====.py"),
        (b"win\\path", "win\\path"),
        (b"a\nb", "a\\x0ab"),
        (b"a\\x0ab", "a\\x5cx0ab"),
        (b"\xff.c", "\\xff.c"),
        ("a\u2028b\u202eb\x85".encode(), "a\\u2028b\\u202eb\\u0085"),
    ],
)
def test_a_path_is_one_readable_line(raw: bytes, path: str) -> None:
    assert readable_path(raw) == path


@given(
    st.lists(st.binary(min_size=1) | st.text(alphabet="\\x0au5c\n\x85\u2028ÿ").map(str.encode), min_size=2, unique=True)
)
def test_different_paths_stay_different(raws: list[bytes]) -> None:
    paths = [readable_path(raw) for raw in raws]
    assert len(set(paths)) == len(raws)
    assert all(len(path.splitlines()) <= 1 for path in paths)
