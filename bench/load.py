"""Many at once: twenty who mention the bot in one channel, and two hundred who use a slash command.

The channel's answers share two buckets of five requests in five seconds, one for new messages and one for
edits; each slash command has a bucket of its own.
"""

from bench.driving import Bench, Contender, driven
from bench.table import Row

MENTIONS, MENTION_TOKENS = 20, 150
COMMANDS, COMMAND_TOKENS = 200, 60
PATIENCE = 120.0
"""Seconds after which an answer counts as never completed."""


async def mentions(bench: Bench) -> list[Row]:
    """Let them all mention the bot; the last answer's time and the 429s met."""
    asked = bench.mention(MENTIONS, lambda _: MENTION_TOKENS)
    late = await bench.over(asked, PATIENCE)
    ends = [one.completed_at or float("inf") for one in asked]
    begun = min(one.at for one in asked)
    name = f"{MENTIONS} mention chats in one channel"
    footers = f"{len(asked) - len(late)} of {len(asked)} with their footer"
    return [
        Row(f"{name}: all complete after", max(ends) - begun, "s", 60, note=footers),
        Row(f"{name}: answered 429", len(bench.discord.breaches), "requests", 0),
    ]


async def commands(bench: Bench) -> list[Row]:
    """Let them all use /ask; the last acknowledgement's time and how many answers were completed."""
    asked = bench.slash(COMMANDS, lambda _: COMMAND_TOKENS)
    late = await bench.over(asked, PATIENCE)
    waits = [(one.acknowledged_at or float("inf")) - one.at for one in asked]
    ends = [one.completed_at for one in asked if one.completed_at is not None]
    name = f"{COMMANDS} slash commands at once"
    footers = f"{len(asked) - len(late)} of {len(asked)} with their footer"
    after = f"the last after {max(ends, default=float('inf')) - asked[0].at:.1f} s, {footers}"
    return [
        Row(f"{name}: last acknowledged after", max(waits), "s", 1),
        Row(f"{name}: complete", len(ends), "answers", COMMANDS, at_most=False, note=after),
    ]


async def rows() -> list[Row]:
    """Measure both with one process, one after the other."""
    async with driven(Contender.PARLANCE) as bench:
        return [*await commands(bench), *await mentions(bench)]
