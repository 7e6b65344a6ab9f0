"""What is spared though it has the form of personal data, because it names nobody."""

from __future__ import annotations

import dataclasses

__all__ = ["DEFAULT", "Policy"]


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """Choices of what counts as personal.

    Args:
        private_networks: also find IP addresses that are not unique in the world: private
            (RFC 1918, fc00::/7), loopback and netmasks, and those kept for documentation (RFC 5737,
            RFC 3849). They name a place in somebody's plan, not a person; off by default.
        reserved_domains: also find email addresses at ``example.com`` and the other names that
            RFC 2606 keeps for documentation; off by default.
        placeholders: also find ``YOUR_API_KEY``, ``sk-xxxx`` and the like; off by default.
    """

    private_networks: bool = False
    reserved_domains: bool = False
    placeholders: bool = False


DEFAULT = Policy()
