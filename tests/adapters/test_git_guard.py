import socket
import threading

import pytest

from rlm_app.adapters.git.address import Address, parse
from rlm_app.adapters.git.failures import Unreachable
from rlm_app.adapters.git.guard import is_public, public_addresses
from rlm_app.errors import CloneRefused, RunCancelled
from rlm_app.stop import Stop


def resolving(*addresses: str):
    return lambda host, port: [(socket.AF_INET, 1, 6, "", (each, port)) for each in addresses]


def check(host: str, *addresses: str, allow: tuple[str, ...] = ()) -> tuple[str, ...]:
    address = parse(f"https://{host}/o/n", allow_local=False)
    assert isinstance(address, Address)
    return public_addresses(address, resolving(*addresses), allow, Stop())


PRIVATE = [
    *("127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("100.100.100.200", "168.63.129.16", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1"),
    *("::ffff:a9fe:a9fe", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:db8::1"),
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_as_name_and_as_number(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(CloneRefused, match="not a public address"):
        check("innocent.example", address)
    with pytest.raises(CloneRefused, match="not a public address"):
        check(f"[{address}]" if ":" in address else address, address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "140.82.121.3", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_pass(address: str) -> None:
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough() -> None:
    with pytest.raises(CloneRefused):
        check("innocent.example", "8.8.8.8", "10.0.0.1")


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "017700000001"])
def test_odd_numbers_are_refused_whatever_they_resolve_to(host: str) -> None:
    with pytest.raises(CloneRefused):
        check(host, "8.8.8.8")


def test_what_was_checked_is_what_git_is_told_to_use() -> None:
    assert check("innocent.example", "8.8.8.8", "8.8.8.8", "1.1.1.1") == ("8.8.8.8", "1.1.1.1")


def test_hosts_of_ones_own_are_not_checked() -> None:
    assert check("git.lan", "10.0.0.1", allow=("git.lan",)) == ()


def test_an_unknown_host_is_said_to_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)

    def unknown(host: str, port: int):
        raise socket.gaierror(-2, "Name or service not known")

    address = parse("https://no.example/o/n", allow_local=False)
    assert isinstance(address, Address)
    with pytest.raises(Unreachable, match=r"no\.example cannot be found"):
        public_addresses(address, unknown, (), Stop())


def test_a_slow_look_up_ends_with_a_stop() -> None:
    address = parse("https://slow.example/o/n", allow_local=False)
    assert isinstance(address, Address)
    released, stop = threading.Event(), Stop()
    threading.Timer(0.1, lambda: stop.request(RunCancelled("stopped"))).start()
    with pytest.raises(RunCancelled):
        public_addresses(address, lambda host, port: released.wait(20) or [], (), stop)
    released.set()
