"""No request goes to an address that is not public: repositories may be named by strangers."""

import ipaddress
import os
import socket
from collections.abc import Callable, Collection, Sequence
from typing import Any

from rlm_app.adapters.git.address import Address, ends_in_number
from rlm_app.adapters.git.failures import Unreachable
from rlm_app.errors import CloneRefused
from rlm_app.stop import Stop

Resolve = Callable[[str, int], Sequence[tuple[Any, ...]]]
"""As `socket.getaddrinfo`: the address is the first item of each entry's last."""

_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})  # Azure's, the only one in a public range
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))
_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def resolve_stream(host: str, port: int) -> Sequence[tuple[Any, ...]]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)


def public_addresses(address: Address, resolve: Resolve, allow_hosts: Collection[str], stop: Stop) -> tuple[str, ...]:
    """The addresses that a host resolves to, all of them public; none for an allowed host, which is not checked.

    Git is then told to use these very addresses (`http.curloptResolve`), so that a name that changes between the
    check and the request gains nothing. Behind a proxy, which resolves by itself, an unknown name passes.

    Raises:
        CloneRefused: an address is private, loopback, link-local, of a metadata service, or otherwise not public.
        Unreachable: the name is unknown.
    """
    if address.host in allow_hosts:
        return ()
    refuse_literal(address, allow_hosts)
    found = _look_up(address, resolve, stop)
    if not all(is_public(each) for each in found):
        raise _refusal(address.host)
    return tuple(dict.fromkeys(found))


def refuse_literal(address: Address, allow_hosts: Collection[str]) -> None:
    """Refuse what needs no look-up to be refused: a number, in whatever spelling, that is not a public address.

    Raises:
        CloneRefused: it is not.
    """
    host = address.host
    if host not in allow_hosts and (ends_in_number(host) or (is_literal(host) and not is_public(host))):
        raise _refusal(host)


def _look_up(address: Address, resolve: Resolve, stop: Stop) -> list[str]:
    host = address.host
    try:
        return [str(entry[-1][0]) for entry in stop.call(lambda: resolve(host, address.port))]
    except (OSError, UnicodeError):
        if any(os.environ.get(name) for name in _PROXIES):
            return []
        raise Unreachable(f"The host {host} cannot be found; check the address and your connection.") from None


def is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """True for an address that anybody on the Internet can reach, through whatever notation it is wrapped in."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if any(ip in network for network in _NAT64):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    special = ip.is_private or ip.is_multicast or ip.is_reserved or ip.is_loopback or ip.is_link_local
    return ip.is_global and not special and ip not in _METADATA and ip not in ipaddress.ip_network("192.0.0.0/24")


def _refusal(host: str) -> CloneRefused:
    return CloneRefused(
        f"{host} is not a public address, so it is not contacted; "
        "give a public host, or allow this one in Settings if it is yours."
    )
