"""The secrets of tests: words that stand in no output, so that one that does is found.

tests/conftest.py looks for them in everything that every test writes.
"""

DISCORD = "canaryOfDiscordThatStandsInNoOutput00"
REPLICATE = "r8_canary_of_replicate_that_stands_in_no_output"
DATABASE = "canary:of/postgres@that stands in no output"
"""With every character that an address cannot hold as it is."""
DATABASE_ESCAPED = "canary%3Aof%2Fpostgres%40that%20stands%20in%20no%20output"

CANARIES = (DISCORD, REPLICATE, DATABASE, DATABASE_ESCAPED)


def spilled(text: str) -> list[str]:
    """The secrets that stand in a text."""
    return [canary for canary in CANARIES if canary in text]
