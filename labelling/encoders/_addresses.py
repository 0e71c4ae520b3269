"""Addresses of other machines that a person typed: looked up once, and public ones alone.

A server reaches what its visitors can't: its own ports, its network, a cloud's metadata. OWASP's page "Server-Side
Request Forgery Prevention" has what can be done there.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from labelling.encoders import EncoderError

# All public addresses of IPv6 are in it (RFC 4291, IANA's registry); of the rest Python calls more public than are.
_GIVEN_OUT = ipaddress.ip_network("2000::/3")


def pinned(url: str) -> tuple[str, str, dict[str, str]]:
    """The URL with an IP address in place of the name, the Host header, and the extension that names the host to TLS.

    Whoever asks at this URL asks the machine that was checked. Raises EncoderError where the name has no address, or
    one that is not public: of this machine, a private network, link-local, reserved or multicast.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise EncoderError(f"there is no machine of the name {host[:80]!r}, or no network") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not all(map(_is_public, addresses)):
        raise EncoderError(
            f"{host[:80]!r} is an address of this machine or of its network, or leads to one: whoever runs this server "
            "can allow it in the file that CORRAL_ENDPOINTS names"
        )
    first = addresses[0]
    netloc = f"[{first}]:{port}" if first.version == 6 else f"{first}:{port}"
    return parts._replace(netloc=netloc).geturl(), parts.netloc, {"sni_hostname": host}


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        # The same machine by its IPv4 address, written in or translated to IPv6 (RFC 4291, RFC 6052, RFC 3056).
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address not in _GIVEN_OUT:
            return False
    return address.is_global and not address.is_multicast
