"""Whether the label of a masked link looks like an address other than the link's own.

The comparison is strict, because its answer costs little: a link that is doubted only shows its target beside
its label.
"""

import re
import unicodedata

import regex

UNSEEN = regex.compile(r"[\p{Cf}\p{DI}]")
TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional embeddings, overrides and isolates: what is read is not what is written."""
DECORATION = re.compile(r"\\|\*|`|~~|\|\||__")
LINKED = re.compile(r"[a-z][a-z0-9+.-]{0,40}:|//|www\.", re.IGNORECASE)
"""How a target begins that could lead anywhere; Discord links no other."""
AUTHORITY = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//([^/?#]*)", re.IGNORECASE)
DISGUISED = re.compile(r"[\\%@]")
WORD_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)?(?P<authority>[^/?#\\]*)")
DOMAIN = re.compile(r"(?:[\w-]+\.)+(?P<top>[a-z]{2,24}|xn--[a-z0-9-]{1,59})")
DOMAIN_WITHIN = re.compile(r"(?:[a-z0-9-]{1,63}\.){1,9}(?P<top>[a-z]{2,24}|xn--[a-z0-9-]{1,59})(?![a-z0-9-])")
NUMBERS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
AROUND = "()[]{}<>\"'“”‘’«»,;:!?."
FILE_ENDING = re.compile(
    r"bat|bin|bmp|cfg|class|conf|cpp|css|csv|dll|doc|docx|env|exe|gif|gz|hpp|htm|html|ini|ipynb|jar"
    r"|java|jpeg|jpg|js|json|jsonl|jsx|kt|lock|log|lua|mjs|pdf|php|png|ppt|pptx|scss|sql|svg|swift|tar"
    r"|toml|tsx|txt|vue|wasm|webp|xls|xlsx|xml|yaml|yml"
)
"""Endings of file names that are no top-level domains (IANA: Root Zone Database)."""


def is_domain(match: re.Match[str] | None) -> bool:
    """Return whether what matched ends as a domain may, and not as a file's name."""
    return match is not None and FILE_ENDING.fullmatch(match["top"]) is None


def hosts(label: str) -> set[str]:
    """Return the hosts that the label names, as its reader sees them."""
    read = unicodedata.normalize("NFKC", UNSEEN.sub("", label)).replace("。", ".")
    return {
        host
        for word in DECORATION.sub("", read).lower().split()
        for host in hosts_of_word(word.strip(AROUND))
    }


def hosts_of_word(word: str) -> set[str]:
    """Return the hosts in one word: of an address, all that stands around an ``@``."""
    parts = WORD_URL.match(word)
    if parts is None:
        return set()
    found: set[str] = set()
    for part in parts["authority"].split("@"):
        name = part.split(":", 1)[0]
        if is_domain(DOMAIN.fullmatch(name)) or NUMBERS.fullmatch(name) or (parts["scheme"] and name):
            found.add(name)
        else:
            found |= {match[0] for match in DOMAIN_WITHIN.finditer(name) if is_domain(match)}
    return {host.removeprefix("www.").rstrip(".") for host in found}


def host_of(target: str) -> str | None:
    """Return the host of a link's target, or None where it is not plain which it is."""
    authority = AUTHORITY.match(target)
    if authority is None or DISGUISED.search(authority[1]):
        return None
    return authority[1].lower().split(":", 1)[0].removeprefix("www.").rstrip(".")


def suspicious(label: str) -> bool:
    """Return whether the label names any address, or may hide one."""
    return TURNING.search(label) is not None or bool(hosts(label))


def deceptive(label: str, target: str) -> bool:
    """Return whether the label looks like an address other than the target's."""
    if LINKED.match(target) is None:
        return False
    return TURNING.search(label) is not None or bool(hosts(label) - {host_of(target)})
