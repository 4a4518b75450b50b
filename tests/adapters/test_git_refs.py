import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.adapters.git.refs import Refs, find, parse_refs, split_tail
from rlm_app.errors import CloneFailed, CorpusEmpty

A, B, C, D = ("a" * 40, "b" * 40, "c" * 40, "d" * 40)
LISTING = f"""ref: refs/heads/main\tHEAD
{A}\tHEAD
{A}\trefs/heads/main
{B}\trefs/heads/feature/x
{C}\trefs/pull/12/head
{D}\trefs/tags/v1.0
{C}\trefs/tags/v1.0^{{}}
{B}\trefs/tags/main
""".encode()
REFS = parse_refs(LISTING)


@pytest.mark.parametrize(
    ("wanted", "commit", "shown"),
    [
        (None, A, "main"),
        ("main", A, "main"),
        ("feature/x", B, "feature/x"),
        ("v1.0", C, "v1.0"),
        ("refs/tags/main", B, "refs/tags/main"),
        ("tags/main", B, "tags/main"),
        ("refs/pull/12/head", C, "refs/pull/12/head"),
        ("HEAD", A, "HEAD"),
        (D, D, None),
        ("e" * 40, "e" * 40, None),
        (B[:7], B, None),
    ],
)
def test_what_a_ref_means(wanted: str | None, commit: str, shown: str | None) -> None:
    target = find(REFS, wanted, "o/n")
    assert (target.commit, target.ref) == (commit, shown)


@pytest.mark.parametrize("wanted", ["nope", "feature", "eeeeeee", "", "--upload-pack=x", "main\n"])
def test_a_ref_that_is_not_there(wanted: str) -> None:
    with pytest.raises(CloneFailed, match="no branch, tag or commit"):
        find(REFS, wanted, "o/n")


def test_a_repository_without_commits() -> None:
    with pytest.raises(CorpusEmpty, match="no commits"):
        find(parse_refs(b""), None, "o/n")
    with pytest.raises(CloneFailed, match="default branch"):
        find(Refs({"refs/heads/x": A}, None), None, "o/n")


@pytest.mark.parametrize(
    ("tail", "ref", "folder"),
    [
        ("main", "main", ""),
        ("main/src/lib", "main", "src/lib"),
        ("feature/x", "feature/x", ""),
        ("feature/x/src", "feature/x", "src"),
        (f"{B}/src", B, "src"),
        (f"{B[:9]}/src", B[:9], "src"),
        ("refs/heads/feature/x/src", "refs/heads/feature/x", "src"),
    ],
)
def test_ref_and_folder_of_a_page(tail: str, ref: str, folder: str) -> None:
    assert split_tail(REFS, tail, "o/n") == (ref, folder)


def test_a_page_of_a_ref_that_is_gone() -> None:
    with pytest.raises(CloneFailed, match="“gone”"):
        split_tail(REFS, "gone/src", "o/n")


names = st.text(alphabet="ab-.", min_size=1, max_size=3).filter(lambda text: text.strip("."))


@given(st.lists(names, min_size=1, max_size=3).map("/".join), st.lists(names, max_size=3).map("/".join))
def test_a_ref_with_slashes_is_told_from_the_folder(ref: str, folder: str) -> None:
    refs = Refs({f"refs/heads/{ref}": A}, None)
    assert split_tail(refs, f"{ref}/{folder}", "o/n") == (ref, folder)
