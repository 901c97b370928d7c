"""Discord's rate limits: fixed windows, one for each bucket and major parameter, told in headers."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

INTERACTION = "interaction"
SENDS = "sends"
EDITS = "edits"
DELETES = "deletes"
TYPING = "typing"
GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Rule:
    """At most ``limit`` requests in each ``seconds``; the window opens with its first request."""

    limit: int
    seconds: float


DEFAULT_RULES = {
    INTERACTION: Rule(5, 5.0),
    SENDS: Rule(5, 5.0),
    EDITS: Rule(5, 5.0),
    DELETES: Rule(5, 1.0),
    TYPING: Rule(5, 5.0),
    GLOBAL: Rule(50, 1.0),
}
"""What others observed of Discord (it documents only the global rule); deletes are more generous than
edits.
"""

BUCKET_OF = {
    "POST /webhooks/{webhook_id}/{webhook_token}": (INTERACTION, "webhook_token"),
    "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}": (INTERACTION, "webhook_token"),
    "POST /channels/{channel_id}/messages": (SENDS, "channel_id"),
    "PATCH /channels/{channel_id}/messages/{message_id}": (EDITS, "channel_id"),
    "DELETE /channels/{channel_id}/messages/{message_id}": (DELETES, "channel_id"),
    "POST /channels/{channel_id}/typing": (TYPING, "channel_id"),
}
"""Which routes share which bucket, and their major parameter. Every other route is free, interaction
callbacks among them.
"""


@dataclass(frozen=True, slots=True)
class Breach:
    """A request that was one too many. ``at`` is in ``time.perf_counter`` seconds, ``retry_after`` in
    seconds; ``counted`` is how many of each route its window had, this one among them.
    """

    at: float
    route: str
    bucket: str
    major: str
    retry_after: float
    counted: Mapping[str, int]


@dataclass(slots=True)
class Window:
    """The state of one bucket: the requests of each route that it counted, until ``ends`` on the clock."""

    rule: Rule
    ends: float
    counted: Counter[str] = field(default_factory=Counter)

    @property
    def used(self) -> int:
        """All that it counted."""
        return self.counted.total()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the buckets say of one request: the headers to answer with, and the breach if it is one too
    many.
    """

    headers: dict[str, str]
    breach: Breach | None = None
    everywhere: bool = False


@dataclass(slots=True)
class Buckets:
    """All windows. ``rules`` may be changed at any time; a bucket without a rule is free and sends no
    headers.
    """

    clock: Callable[[], float]
    rules: dict[str, Rule] = field(default_factory=lambda: dict(DEFAULT_RULES))
    _windows: dict[tuple[str, str], Window] = field(default_factory=dict)

    def take(self, route: str, parameters: dict[str, str]) -> Verdict:
        """Count a request of ``route`` (as in ``BUCKET_OF``) with its path ``parameters``."""
        if not route.split(" ", 1)[1].startswith(("/interactions/", "/webhooks/")):
            shared = self._take(route, GLOBAL, "")
            if shared.breach:
                return shared
        name, major = BUCKET_OF.get(route, ("", ""))
        return self._take(route, name, parameters.get(major, ""))

    def _take(self, route: str, name: str, major: str) -> Verdict:
        rule = self.rules.get(name)
        if rule is None:
            return Verdict({})
        now = self.clock()
        window = self._windows.get((name, major))
        if window is None or window.rule != rule or now >= window.ends:
            window = self._windows[name, major] = Window(rule, now + rule.seconds)
        window.counted[route] += 1
        # Never early: a client that trusts the rounded figure must find the window over.
        left = math.ceil((window.ends - now) * 1000) / 1000
        if window.used > rule.limit:
            breach = Breach(time.perf_counter(), route, name, major, left, dict(window.counted))
            return Verdict(self._headers(name, window, left), breach, name == GLOBAL)
        return Verdict({} if name == GLOBAL else self._headers(name, window, left))

    @staticmethod
    def _headers(name: str, window: Window, left: float) -> dict[str, str]:
        if name == GLOBAL:
            return {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
        return {
            "X-RateLimit-Limit": str(window.rule.limit),
            "X-RateLimit-Remaining": str(max(0, window.rule.limit - window.used)),
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Reset": f"{time.time() + left:.3f}",
            "X-RateLimit-Bucket": f"{name}-{'0' * 8}",
        }
