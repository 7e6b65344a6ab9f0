"""Addresses of machines: IPv4, IPv6, MAC."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from pipeline.pii.context import last_word, words
from pipeline.pii.fold import Folded
from pipeline.pii.kinds import Candidate, Kind
from pipeline.pii.policy import Policy

__all__ = ["ipv4", "ipv6", "macs"]

_IPV4 = re.compile(
    r"[0-9]{1,3}(?:(?:\.[0-9]{1,3}){3}|(?:[ ]?[\[(](?:\.|dot)[\])][ ]?[0-9]{1,3}){3})(?![0-9])"
)
_DOTS = re.compile(r"\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")
_DEFANGED = ("[.]", "(.)", "[dot]", "(dot)")
_MORE = re.compile(r"\.[0-9]|[\w]|-[a-z]", re.I)
_NETWORK = re.compile(r"/([0-9]{1,2})(?![0-9])")
_ABOUT_VERSIONS = words(
    r"v", r"ver", r"versions?", r"version[ :=\"']+", r"release[sd]?", r"build", r"firmware",
    r"driver",
    r"upgrad\w+", r"updat\w+ to", r"downgrad\w+", r"patch", r"revision", r"rev", r"section", r"sec",
    r"chapter", r"figure", r"fig", r"clause", r"article", r"appendix", r"paragraph", r"para",
    r"table",
    r"install\w*", r"requires?", r"assemblyversion", r"fileversion", r"oid",
)  # fmt: skip
_ABOUT_HOSTS = words(
    r"ips?", r"ipv4", r"host\w*", r"servers?", r"ping\w*", r"ssh", r"connect\w*", r"clients?",
    r"remote",
    r"address\w*", r"addrs?", r"dns", r"from", r"visitor", r"login", r"logged", r"traceroute",
    r"gateway", r"listen\w*", r"bind", r"proxy", r"curl", r"request\w*", r"x-forwarded-for",
)  # fmt: skip
_PIN = re.compile(
    r"(?:[=<>~!^]=|[<>~^]|\bv\.?|§|#)[ ]?[\"']?\Z|[a-z_)]\w*[/\-_]\Z|:\s*[\"'][~^]\Z", re.I
)
_COMPARED_HOST = re.compile(r"(?:ip|host|addr|server|src|dst|peer)\w*[ ]?==[ ]?[\"']?\Z", re.I)
# Public resolvers: they belong to a service and stand in every manual.
_RESOLVERS = frozenset({
    "1.1.1.1", "1.0.0.1", "8.8.8.8", "8.8.4.4", "9.9.9.9", "149.112.112.112", "208.67.222.222",
    "208.67.220.220", "4.2.2.1", "4.2.2.2",
})  # fmt: skip
# What stands for some address in examples.
_STAND_INS = frozenset({
    "4.4.4.4", "2.2.2.2", "3.3.3.3", "5.5.5.5", "6.6.6.6", "7.7.7.7", "1.2.3.4", "1.1.1.0",
    "4.3.2.1", "5.6.7.8",
})  # fmt: skip
_DNS6 = ("2001:4860:4860::", "2606:4700:4700::", "2620:fe::", "2620:119:")

_IPV6 = re.compile(
    r"(?<![\w:.])(?:::)?(?:[0-9a-f]{1,4}:{1,2}){1,7}(?:(?:[0-9]{1,3}\.){3}[0-9]{1,3}"
    r"|[0-9a-f]{1,4})?"
    r"(?:%[\w.\-]{1,16})?(?![\w:])",
    re.I,
)
_COLONS = re.compile(r":[0-9a-fA-F]{0,4}:")
_GROUP = re.compile(r"[0-9a-fA-F]{0,4}\Z")
_SLICE = re.compile(r"[\w)\]]\[\Z")

# Patterns that start with a plain sign are quick to look for.
_PAIRS = (re.compile(":[0-9a-fA-F]{2}:"), re.compile("-[0-9a-fA-F]{2}-"))
_MAC = re.compile(
    r"(?<![\w:.\-])[0-9a-f]{2}([:\-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-z]|[:.\-][0-9a-f])",
    re.I,
)
# And how far in front of them the address starts.
_TAILS = ((re.compile(r"\.[0-9a-fA-F]{4}\.[0-9a-fA-F]{4}"), 4),
    (re.compile("-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}"), 4),
          (re.compile("-[0-9a-fA-F]{6}"), 6))  # fmt: skip
_BARE_MAC = re.compile(
    r"(?:[0-9a-f]{4}([.\-])[0-9a-f]{4}\1[0-9a-f]{4}|[0-9a-f]{6}-[0-9a-f]{6}|[0-9a-f]{12})"
    r"(?![\w\-])",
    re.I,
)
_ABOUT_MACS = words(r"macs?", r"mac[ _-]?addr\w*", r"hwaddr", r"ether", r"bssid",
    r"physical address",
                    r"bluetooth", r"wi-?fi", r"hardware address", r"nic", r"lladdr")  # fmt: skip
_STAND_IN_MACS = frozenset({
    "001122334455", "aabbccddeeff", "0123456789ab", "123456789abc", "deadbeefcafe", "a1b2c3d4e5f6",
    "112233445566", "aabbccddee01", "020000000000", "1234567890ab",
})  # fmt: skip


def ipv4(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """IPv4 addresses; not version numbers, networks, netmasks and what names nobody."""
    text, lower = folded.text, folded.lower
    for match in _dotted(text, lower):
        start, end = match.span()
        if start and (text[start - 1].isalnum() or text[start - 1] in "._"):
            continue
        if _MORE.match(text, end):
            continue
        octets = [int(part) for part in re.findall("[0-9]+", match[0])]
        if max(octets) > 255 or re.search(r"(?:^|\D)0[0-9]", match[0]):
            continue
        name = ".".join(map(str, octets))
        address = ipaddress.IPv4Address(name)
        # 224.0.0.0/4 is for groups, 240.0.0.0/4 holds netmasks and broadcasts.
        if (
            octets[0] in range(224, 240)
            or octets[:3] == [192, 0, 0]
            or (not policy.private_networks and not address.is_global)
        ):
            continue
        if name in _RESOLVERS or (name in _STAND_INS and not policy.placeholders):
            continue
        if (net := _NETWORK.match(text, end)) and _is_network(int(address), int(net[1])):
            continue
        if _is_version(text, lower, start, end, octets):
            continue
        yield Kind.IPV4, start, end


def _dotted(text: str, lower: str) -> Iterator[re.Match[str]]:
    if any(sign in lower for sign in _DEFANGED):
        yield from _IPV4.finditer(text)
        return
    done = 0
    for dots in _DOTS.finditer(text):
        start = dots.start()
        while start > max(done, dots.start() - 3) and text[start - 1] in "0123456789":
            start -= 1
        if match := _IPV4.match(text, start):
            done = match.end()
            yield match


def _is_network(address: int, bits: int) -> bool:
    """Whether the part of the host is all zeros: a range, no machine."""
    return bits < 32 and address & ((1 << (32 - bits)) - 1) == 0


def _is_version(text: str, lower: str, start: int, end: int, octets: list[int]) -> bool:
    front = text[max(0, start - 24) : start]
    # Small numbers are chapters and versions unless something says otherwise.
    small = max(octets) < 32
    if front.endswith("@"):
        return small and ":" not in front  # a package's pin; else a login
    if front.endswith("//"):
        return False
    if _PIN.search(front) and not _COMPARED_HOST.search(front):
        return True
    version = last_word(_ABOUT_VERSIONS, lower, start, 32)
    host = last_word(_ABOUT_HOSTS, lower, start, 48)
    if version > host or (version >= 0 and start - version <= 2):
        return True
    return small and host < 0 and not re.match(r":[0-9]{2,5}(?![0-9])", text[end : end + 7])


def ipv6(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """IPv6 addresses, with or without zone; a link's own ones where they name a device."""
    text = folded.text
    done = 0
    for colons in _COLONS.finditer(text):
        if colons.start() < done:
            continue
        group = _GROUP.search(text[max(0, colons.start() - 4) : colons.start()])
        match = _IPV6.match(text, colons.start() - len(group[0] if group else ""))
        if match is None:
            continue
        value = match[0]
        end = done = match.end()
        if value.count(":") < 2:
            continue
        plain = value.partition("%")[0]
        if plain.endswith(":") and not plain.endswith("::"):
            plain, end = plain[:-1], match.start() + len(plain) - 1
        groups = [group for group in plain.split(":") if group]
        try:
            address = ipaddress.IPv6Address(plain)
        except ValueError:
            continue
        # "Dad::Bee" is a name in a program, 8 pairs are a fingerprint's or an EUI-64's.
        if "::" in plain and (len(groups) < 2 or not re.search("[0-9]", plain)):
            continue
        if all(len(group) == 2 for group in groups) or len(groups) < 2:
            continue
        if len(groups) == 2 and _SLICE.search(text[max(0, match.start() - 2) : match.start()]):
            continue
        if not policy.private_networks and not _names_one(address, plain.lower()):
            continue
        yield Kind.IPV6, match.start(), end


def _names_one(address: ipaddress.IPv6Address, plain: str) -> bool:
    if address.is_link_local:
        # fe80::1 is every router; a longer identifier is made from the device or at random.
        return int(address) & (2**64 - 1) > 0xFFFF
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_global
    # All that is given out so far is in 2000::/3 (IANA); "rows[1::2]" is not.
    return int(address) >> 125 == 1 and address.is_global and not plain.startswith(_DNS6)


def macs(folded: Folded, policy: Policy) -> Iterator[Candidate]:
    """Hardware addresses in the usual notations; unseparated ones only where a word says so."""
    text, lower = folded.text, folded.lower
    for pairs in _PAIRS:
        done = 0
        for pair in pairs.finditer(text):
            match = _MAC.match(text, pair.start() - 2) if pair.start() >= max(2, done) else None
            if match is None:
                continue
            done = match.end()
            if not _is_date(match[0]) and _is_device(match[0], policy):
                yield Kind.MAC, *match.span()
    # Without colons they are told from other numbers by words only.
    starts = [start for start, end in folded.mixed if end - start == 12]
    for tail, before in _TAILS:
        starts.extend(match.start() - before for match in tail.finditer(text))
    for start in sorted(starts):
        match = _BARE_MAC.match(text, start) if start >= 0 else None
        if match is None or (start and (text[start - 1].isalnum() or text[start - 1] in "-._")):
            continue
        if last_word(_ABOUT_MACS, lower, start, 40) >= 0 and _is_device(match[0], policy):
            yield Kind.MAC, *match.span()


def _is_device(value: str, policy: Policy) -> bool:
    digits = re.sub("[^0-9a-f]", "", value.lower())
    return len(set(digits)) > 2 and (digits not in _STAND_IN_MACS or policy.placeholders)


def _is_date(value: str) -> bool:
    """``23-01-14-10-22-05``: year to second, as file names have it."""
    if re.search("[a-fA-F]", value):
        return False
    _, month, day, hour, minute, second = (int(part) for part in re.split("[:-]", value))
    return 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60
