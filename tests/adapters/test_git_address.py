import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rlm_app.adapters.git.address import Address, ends_in_number, parse
from rlm_app.errors import CloneRefused, InvalidSource, UserError


def address(source: str, **options: object) -> Address:
    found = parse(source, **{"allow_local": False, **options})  # type: ignore[arg-type]
    assert isinstance(found, Address)
    return found


GITHUB = "https://github.com/o/n"


@pytest.mark.parametrize(
    ("source", "url", "tail", "ref"),
    [
        (GITHUB, f"{GITHUB}.git", "", None),
        (f"  {GITHUB}/  ", f"{GITHUB}.git", "", None),
        (f"{GITHUB}.git", f"{GITHUB}.git", "", None),
        ("o/n", f"{GITHUB}.git", "", None),
        ("o/n.git", f"{GITHUB}.git", "", None),
        ("github.com/o/n", f"{GITHUB}.git", "", None),
        ("HTTPS://GitHub.com./o/n", f"{GITHUB}.git", "", None),
        ("https://www.github.com/o/n", f"{GITHUB}.git", "", None),
        (f"{GITHUB}?tab=readme#usage", f"{GITHUB}.git", "", None),
        (f"{GITHUB}/issues/3", f"{GITHUB}.git", "", None),
        (f"{GITHUB}/tree/main", f"{GITHUB}.git", "main", None),
        (f"{GITHUB}/tree/feature/x/src/lib", f"{GITHUB}.git", "feature/x/src/lib", None),
        (f"{GITHUB}/blob/v1.0/a%20b.py#L3-L9", f"{GITHUB}.git", "v1.0/a b.py", None),
        (f"{GITHUB}/commit/3f2a91c", f"{GITHUB}.git", "", "3f2a91c"),
        (f"{GITHUB}/releases/tag/v/1.0", f"{GITHUB}.git", "", "v/1.0"),
        (f"{GITHUB}/pull/12/files", f"{GITHUB}.git", "", "refs/pull/12/head"),
        ("https://gitlab.com/g/s/n", "https://gitlab.com/g/s/n.git", "", None),
        ("https://gitlab.com/g/s/n/-/tree/a/b/src", "https://gitlab.com/g/s/n.git", "a/b/src", None),
        ("https://gitlab.com/g/n/-/tags/v1", "https://gitlab.com/g/n.git", "", "v1"),
        (
            "https://gitlab.com/g/n/-/merge_requests/5/diffs",
            "https://gitlab.com/g/n.git",
            "",
            "refs/merge-requests/5/head",
        ),
        ("https://gitlab.example.org/a/b/c", "https://gitlab.example.org/a/b/c.git", "", None),
        ("https://salsa.debian.org/a/b/c/-/blob/main/x.c", "https://salsa.debian.org/a/b/c.git", "main/x.c", None),
        ("https://bitbucket.org/o/n/src/main/lib/", "https://bitbucket.org/o/n.git", "main/lib", None),
        ("https://bitbucket.org/o/n/branch/a/b", "https://bitbucket.org/o/n.git", "", "a/b"),
        ("https://bitbucket.org/o/n/commits/abc1234", "https://bitbucket.org/o/n.git", "", "abc1234"),
        ("https://codeberg.org/o/n/src/branch/main/src", "https://codeberg.org/o/n.git", "main/src", None),
        ("https://git.example.org/o/n/src/tag/v1/a", "https://git.example.org/o/n.git", "v1/a", None),
        ("https://code.example.org/o/n/tree/main/a", "https://code.example.org/o/n.git", "main/a", None),
        ("https://git.example.org/deep/er/n", "https://git.example.org/deep/er/n", "", None),
        ("https://git.example.org/n.git/info", "https://git.example.org/n.git", "", None),
        ("https://git.example.org:8443/o/n.git", "https://git.example.org:8443/o/n.git", "", None),
        ("https://git.example.org:443/o/n.git", "https://git.example.org/o/n.git", "", None),
        ("https://bücher.example/o/n.git", "https://xn--bcher-kva.example/o/n.git", "", None),
    ],
)
def test_addresses_and_pages(source: str, url: str, tail: str, ref: str | None) -> None:
    found = address(source)
    assert (found.url, found.tail, found.ref) == (url, tail, ref)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("", InvalidSource),
        ("flask", InvalidSource),
        ("what is this", InvalidSource),
        ("-oProxyCommand=x", InvalidSource),
        ("--upload-pack=touch /tmp/x", InvalidSource),
        ("https://github.com/o/n\nevil", InvalidSource),
        ("https://github.com/o/\x07n", InvalidSource),
        ("https://", InvalidSource),
        ("https:///o/n", InvalidSource),
        ("https://github.com", InvalidSource),
        ("https://github.com/pallets", InvalidSource),
        ("https://github.com/o/../n", InvalidSource),
        ("https://github.com/o/%2e%2e/n", InvalidSource),
        ("https://github.com/o/n%0aHost: x", InvalidSource),
        ("https://github.com:port/o/n", InvalidSource),
        ("https://[::1/o/n", InvalidSource),
        (f"https://github.com/o/{'n' * 3000}", InvalidSource),
        ("http://github.com/o/n", CloneRefused),
        ("git://github.com/o/n", CloneRefused),
        ("ssh://git@github.com/o/n", CloneRefused),
        ("git@github.com:o/n.git", CloneRefused),
        ("ext::sh -c touch% /tmp/x", InvalidSource),
        ("ext://x/y", CloneRefused),
        ("/etc", CloneRefused),
        ("~/code", CloneRefused),
        ("../code", CloneRefused),
        ("file:///etc", CloneRefused),
    ],
)
def test_what_is_refused_is_refused_in_one_sentence_that_helps(source: str, error: type[UserError]) -> None:
    with pytest.raises(error) as caught:
        address(source)
    words = str(caught.value)
    assert type(caught.value) is error
    assert "\n" not in words
    assert any(help in words for help in ("Give", "give", "try"))


@pytest.mark.parametrize(
    "source", ["https://me:s3cret@github.com/o/n", "https://s3cret@github.com/o/n", "http://a:s3cret@h.org/x"]
)
def test_credentials_are_refused_and_never_repeated(source: str) -> None:
    with pytest.raises(CloneRefused, match="credentials") as caught:
        address(source)
    assert "s3cret" not in str(caught.value)


def test_an_ssh_address_is_answered_with_the_https_one() -> None:
    with pytest.raises(CloneRefused, match=re.escape("try https://github.com/o/n.git")):
        address("git@github.com:o/n.git")


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "o" / "n").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for source in (str(tmp_path / "o"), "./o", "~/o", f"file://{tmp_path}/o"):
        assert parse(source, allow_local=True) == tmp_path / "o"
    assert parse("o/n", allow_local=True) == tmp_path / "o" / "n"
    assert isinstance(parse("o/other", allow_local=True), Address)
    assert isinstance(parse("o/n", allow_local=False), Address)


def test_http_is_for_hosts_of_ones_own() -> None:
    assert address("http://git.lan/o/n.git", allow_hosts={"git.lan"}).url == "http://git.lan/o/n.git"


COMMIT = "3" * 40


@pytest.mark.parametrize(
    ("source", "template"),
    [
        (GITHUB, f"{GITHUB}/blob/{COMMIT}/{{path}}#L{{first}}-L{{last}}"),
        ("https://gitlab.com/g/s/n", f"https://gitlab.com/g/s/n/-/blob/{COMMIT}/{{path}}#L{{first}}-{{last}}"),
        ("https://bitbucket.org/o/n", f"https://bitbucket.org/o/n/src/{COMMIT}/{{path}}#lines-{{first}}:{{last}}"),
        ("https://codeberg.org/o/n", f"https://codeberg.org/o/n/src/commit/{COMMIT}/{{path}}#L{{first}}-L{{last}}"),
        ("https://git.example.org/o/n", None),
    ],
)
def test_the_page_of_lines_on_known_hosts(source: str, template: str | None) -> None:
    assert address(source).web_url(COMMIT) == template


def test_a_name_with_braces_does_not_break_the_template() -> None:
    template = address("https://github.com/o/{path}{0}").web_url(COMMIT)
    assert template is not None
    assert template.format(path="a.py", first=1, last=2).endswith("/a.py#L1-L2")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "1.0x1"])
def test_odd_spellings_of_numbers(host: str) -> None:
    assert ends_in_number(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "github.com", "::1", "a1.b2", "1password.com"])
def test_names_and_plain_numbers(host: str) -> None:
    assert not ends_in_number(host)


@given(st.text(max_size=60) | st.text(max_size=40).map("https://github.com/".__add__))
def test_anything_is_an_address_or_a_user_error(source: str) -> None:
    try:
        found = parse(source, allow_local=False)
    except UserError:
        return
    assert isinstance(found, Address)
    assert found.url.startswith("https://")
    assert found.url.isascii()
    assert not set(found.url) & set(" @\n\\?#")
    assert parse(found.url, allow_local=False).url == found.url  # type: ignore[union-attr]
