"""Where our server may connect to: public addresses on 443, never its own network, whatever the spelling.

A store address is typed by a person and a DNS name is answered by a stranger. So the name is looked up once, every
address is checked, and the connection goes to exactly a checked address. Hosts in `EGRESS_ALLOW` are exempt. No Django
here: the connectors of the shops, which know none, use it too.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import socket
import threading
from collections.abc import Callable, Sequence

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

DEFAULT_PORTS = {"https": 443, "http": 80}
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNPRINTABLE = re.compile(r"[\x00-\x20\x7f\\]")

Address = tuple[socket.AddressFamily, str]
Resolver = Callable[[str, int], Sequence[str]]


class EgressError(Exception):
    """A call we do not make (`permanent`), or a name without an answer. The message holds no secret."""

    def __init__(self, code: str, message: str = "", *, permanent: bool = False) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code, self.message, self.permanent = code, message, permanent


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A checked place to call: lower-case host without a trailing dot, port filled in."""

    scheme: str
    host: str
    port: int


def is_public(address: str) -> bool:
    """Say whether an IP address belongs to the open internet; addresses carried inside IPv6 are unwrapped."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None or ip in NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        inner = [ip.sixtofour, *(ip.teredo or ())]
        if ip.is_site_local or any(v4 is not None and not is_public(str(v4)) for v4 in inner):
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_link_local)


def system_resolver(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name as the operating system gives them. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in found))


class Guard:
    """Checks a URL, then every address behind its name; `allow` holds entries "host" (any port) or "host:port".

    `error` is the class of what it raises: connectors have their own.
    """

    error: Callable[..., Exception] = EgressError

    def __init__(self, allow: Sequence[str] = (), resolver: Resolver = system_resolver) -> None:
        self.allowed = {_allow_entry(entry) for entry in allow}
        self.resolver = resolver

    def is_allowed(self, host: str, port: int) -> bool:
        """Say whether the operator named this host (or host and port) as one of his own."""
        name = _plain_host(host)
        return (name, None) in self.allowed or (name, port) in self.allowed

    def check_url(self, url: str) -> Target:
        """Return the target of a URL. Raises EgressError "egress" (permanent) for anything we refuse to call."""
        if UNPRINTABLE.search(url):
            raise self._refused("the address holds a blank, a control character or a backslash")
        try:
            parts = parse_url(url)
        except LocationParseError:
            raise self._refused("the address cannot be read") from None
        if parts.scheme not in DEFAULT_PORTS:
            raise self._refused("the address must begin with https://")
        if parts.auth is not None:
            raise self._refused("the address must not contain a user name or password")
        if not parts.host:
            raise self._refused("the address has no host")
        return self._check_target(Target(parts.scheme, parts.host, parts.port or DEFAULT_PORTS[parts.scheme]))

    def _check_target(self, target: Target) -> Target:
        if self.is_allowed(target.host, target.port):
            return target
        if target.scheme != "https":
            raise self._refused(f"{target.host} must be called over https", code="egress_http")
        if target.port not in DEFAULT_PORTS.values():
            raise self._refused(f"port {target.port} is not allowed")
        return target

    def addresses(self, host: str, port: int, *, seconds: float) -> list[Address]:
        """Look the name up once and return its addresses, all of them checked.

        Raises EgressError "dns" (passing) when the name has no answer within `seconds`, "egress" when any of the
        addresses is not public: a name that answers with a public and a private address is an attack.
        """
        found = self._look_up(host, port, seconds)
        if not self.is_allowed(host, port) and not all(is_public(ip) for ip in found):
            raise self._refused(f"{host} is not a public address")
        return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, ip) for ip in found]

    def _refused(self, message: str, *, code: str = "egress") -> Exception:
        return type(self).error(code, message, permanent=True)

    def _look_up(self, host: str, port: int, seconds: float) -> list[str]:
        # getaddrinfo knows no time-out: it runs beside us and is left behind when it hangs.
        answer: list[list[str] | Exception] = []

        def ask() -> None:
            try:
                answer.append(list(self.resolver(_plain_host(host), port)))
            except (OSError, UnicodeError) as error:
                answer.append(error)

        if _is_literal(host):
            ask()
        else:
            thread = threading.Thread(target=ask, name="dns", daemon=True)
            thread.start()
            thread.join(seconds)
        if not answer or isinstance(answer[0], Exception) or not answer[0]:
            raise type(self).error("dns", f"the name {host} cannot be found")
        return answer[0]


def _plain_host(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(_plain_host(host))
    except ValueError:
        return False
    return True


def _allow_entry(entry: str) -> tuple[str, int | None]:
    """Read "host", "host:port", "[v6]" or "[v6]:port". Raises ValueError on a port that is no number."""
    host, separator, port = entry.strip().rpartition(":")
    if not separator or (":" in host and not host.endswith("]")) or port.endswith("]"):
        return _plain_host(entry.strip()), None
    return _plain_host(host), int(port)
