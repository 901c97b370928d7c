"""Breaks the core in named places, one line each, and sees that a test notices every one of them.

``python -m tools.mutants [NAME ...]`` copies the checkout, applies one breakage at a time and runs the tests
that stand nearest to it. A breakage is caught when a test fails; tests that cannot run at all catch nothing.
"""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPY = ROOT / ".cache" / "mutants"
FAILED = 1
"""pytest's exit code when tests ran and some failed."""
SECONDS = 240
"""The longest that the tests of one breakage may take."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One breakage: a text that stands once in a file, what it becomes, and the tests that should notice."""

    name: str
    file: str
    sound: str
    broken: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "a token of a frame stays whole",
        "bot/models/inputs.py",
        "match[0][0] + BREAK + match[0][1:]",
        "match[0]",
        ("tests/test_injection.py",),
    ),
    Mutant(
        "a name gets into the system text",
        "bot/prompts.py",
        "    return Prompt(system, (Turn(Role.USER, words),), max_tokens, temperature)",
        "    return Prompt(system + words[:60], (Turn(Role.USER, words),), max_tokens, temperature)",
        ("tests/test_injection.py",),
    ),
    Mutant(
        "buttons and menus have no door",
        "cogs/permissions.py",
        "let_in: bool = await interaction.client.lets_in(interaction)",
        "let_in = True",
        ("tests/wire/test_permissions.py",),
    ),
    Mutant(
        "everybody is a manager",
        "cogs/permissions.py",
        "if interaction.guild_id is None or not interaction.permissions.manage_guild:",
        "if interaction.guild_id is None:",
        ("tests/wire/test_permissions.py",),
    ),
    Mutant(
        "moderators of any place stop an answer",
        "bot/answer.py",
        "(moderates and is_beside)",
        "moderates",
        ("tests/wire/test_permissions.py",),
    ),
    Mutant(
        "details are for everybody",
        "bot/details.py",
        "    return usage.visibility is not Visibility.PRIVATE and stands == (",
        "    return True or stands == (",
        ("tests/wire/test_permissions.py",),
    ),
    Mutant(
        "the gate is open",
        "bot/limits/gate.py",
        "            bucket.left -= 1",
        "            bucket.left -= 0",
        ("tests/wire/test_flood.py",),
    ),
    Mutant(
        "libraries write down what people say",
        "bot/logs.py",
        "    for name in TALKATIVE:",
        "    for name in ():",
        ("tests/wire/test_secrets.py",),
    ),
    Mutant(
        "a piece has no room for the footer",
        "bot/replies/split.py",
        "FOOTER_UNITS = 120",
        "FOOTER_UNITS = -120",
        ("tests/replies/test_split.py",),
    ),
    Mutant(
        "pieces are cut without looking for a boundary",
        "bot/replies/cuts.py",
        "CHOICE = 600",
        "CHOICE = 1",
        ("tests/replies/test_split.py",),
    ),
    Mutant(
        "no slot is kept for the last edit",
        "bot/replies/pace.py",
        "window.limit == 1 else 1",
        "window.limit == 1 else 0",
        ("tests/replies/test_pace.py",),
    ),
    Mutant(
        "two requests of a bucket at once",
        "bot/replies/lanes.py",
        "        self._busy = True",
        "        self._busy = False",
        ("tests/replies/test_lanes.py",),
    ),
    Mutant(
        "requests without a response are forgotten at the gate",
        "bot/replies/lanes.py",
        "            self._under_way += 1",
        "            self._under_way += 0",
        ("tests/replies/test_lanes.py",),
    ),
    Mutant(
        "a ping is kept",
        "bot/replies/channel.py",
        "discord.AllowedMentions.none()}\n    view = view_of",
        "discord.AllowedMentions.all()}\n    view = view_of",
        ("tests/wire/test_bot.py::test_nothing_a_model_writes_pings_anybody",),
    ),
    Mutant(
        "a private answer is public",
        "bot/replies/interaction.py",
        "return self._request.visibility is Visibility.PRIVATE",
        "return False",
        ("tests/wire/test_handover.py",),
    ),
    Mutant(
        "what was streamed is taken for the truth",
        "bot/run.py",
        "        self.reply.replace(self._text)",
        "        self.reply.append(self._text[len(self._text) :])",
        ("tests/wire/test_bot.py::test_the_output_replaces_what_was_streamed",),
    ),
    Mutant(
        "a request is never settled",
        "bot/answer.py",
        "        await self._settle(run, ending, error)\n        await run.reply.close()",
        "        await run.reply.close()",
        ("tests/wire/test_bot.py::test_ask_streams_into_the_channel",),
    ),
    Mutant(
        "a request is settled twice",
        "bot/store/sql/usage.sql",
        "counts = :counts, settled_at = :settled_at, facts = :facts\n"
        "WHERE id = CAST(:id AS BIGINT) AND state = 'open'",
        "counts = :counts, settled_at = :settled_at, facts = :facts\nWHERE id = CAST(:id AS BIGINT)",
        ("tests/limits/test_ledger.py",),
    ),
    Mutant(
        "a process that is late calls for an answer that another goes on with",
        "bot/limits/ledger.py",
        "if await was_taken(transaction, request_id, self.leases.owner):",
        "if not request_id:",
        ("tests/limits/test_leases.py",),
    ),
    Mutant(
        "a process that is late settles a request that another goes on with",
        "bot/store/sql/usage.sql",
        "inflight.request_id = usage.id AND inflight.owner <> CAST(:owner AS BIGINT))",
        "inflight.request_id = usage.id AND inflight.owner = 0 AND CAST(:owner AS BIGINT) = 0)",
        ("tests/limits/test_leases.py",),
    ),
    Mutant(
        "transactions that write overtake each other on PostgreSQL",
        "bot/store/postgres.py",
        "SELECT pg_advisory_xact_lock({WRITERS_LOCK})",
        "SELECT {WRITERS_LOCK}",
        ("tests/store/test_store.py",),
    ),
    Mutant(
        "a connection that ends as a query begins is a fault of ours",
        "bot/store/postgres.py",
        "return isinstance(error, (OSError, asyncpg.InternalClientError))",
        "return isinstance(error, OSError)",
        ("tests/store/test_postgres.py",),
    ),
    Mutant(
        "a follow-up whose response was lost is sent again unseen",
        "bot/replies/interaction.py",
        "        self._newest = max(self._newest, *found, 0)\n        return found",
        "        return []",
        ("tests/wire/test_lost_responses.py",),
    ),
    Mutant(
        "a message that a dead process posted stays beside the answer",
        "bot/replies/reply.py",
        "found += await self._standing(await insist(self._transport.strays))",
        "found += ()",
        ("tests/replies/test_reply.py",),
    ),
    Mutant(
        "who is refused goes before who is answered",
        "bot/replies/reply.py",
        "completes = self.has_text and self._text_is_missing()",
        "completes = self._text_is_missing()",
        ("tests/wire/test_flood.py",),
    ),
    Mutant(
        "what a process leaves behind it closes all the same",
        "bot/limits/leases.py",
        "            self._ours.clear()",
        "            pass",
        ("tests/wire/test_shutdown.py",),
    ),
    Mutant(
        "what is stopped before its id is stored used nothing",
        "bot/making.py",
        "                found = self._made if self._made or self._is_looked_for else await self._look()",
        "                found = None if self._is_looked_for else await self._look()",
        ("tests/wire/test_doubt.py",),
    ),
    Mutant(
        "a public message becomes one for the person alone",
        "bot/replies/reply.py",
        "return screen.is_private == (before is not None and before.is_private)",
        "return True",
        ("tests/replies/test_reply.py",),
    ),
    Mutant(
        "a request that fails is counted twice as over",
        "bot/app.py",
        "            context.under_way = False",
        "            pass",
        ("tests/test_made_once.py",),
    ),
    Mutant(
        "discord.py sends again what a reply has newer text for",
        "bot/app.py",
        "elif is_made_once():",
        "elif False:",
        ("tests/test_made_once.py",),
    ),
    Mutant(
        "one more than the limit is admitted",
        "bot/limits/entries.py",
        "self.used > self.limit.amount",
        "self.used > self.limit.amount + 1",
        ("tests/limits/test_ledger.py", "tests/limits/test_replay.py"),
    ),
    Mutant(
        "a stopped prediction runs on",
        "bot/models/replicate.py",
        "                await self._see_through(self._cancel(record.id, prediction.hear))",
        "                pass",
        ("tests/models/test_leaving.py",),
    ),
    Mutant(
        "control tokens reach the model",
        "bot/models/inputs.py",
        "match[0][0] + BREAK + match[0][1:]",
        "match[0]",
        ("tests/models/test_inputs.py",),
    ),
    Mutant(
        "an answer is taken from a process that lives",
        "bot/limits/leases.py",
        "if not most or not await self._store.read(look):",
        "now += timedelta(seconds=inflight.LEASE_SECONDS)\n        if not most:",
        ("tests/limits/test_leases.py",),
    ),
    Mutant(
        "a message is not told of before the process may die",
        "bot/replies/reply.py",
        "        self._shown.append(shown)\n        await self._tell()",
        "        self._shown.append(shown)",
        ("tests/replies/test_reply.py",),
    ),
    Mutant(
        "what stands there is lost where nothing more comes",
        "bot/replies/draft.py",
        "return whole or self._standing.copy(), False",
        "return whole, False",
        ("tests/replies/test_reply.py",),
    ),
    Mutant(
        "what was taken over unheard is nobody's for ever",
        "bot/limits/leases.py",
        "return set() if self._journal.away else unheard",
        "return set()",
        ("tests/limits/test_unheard.py",),
    ),
    Mutant(
        "what is still to be written is thought unheard",
        "bot/limits/leases.py",
        "return set() if self._journal.away else unheard",
        "return unheard",
        ("tests/limits/test_unheard.py",),
    ),
    Mutant(
        "what was admitted unheard stays open",
        "bot/limits/admissions.py",
        "                self._undo(admission, error, why)",
        "                pass",
        ("tests/limits/test_unheard.py",),
    ),
    Mutant(
        "a late process says how a call ended",
        "bot/store/sql/predictions.sql",
        "inflight.owner <> CAST(:owner AS BIGINT)\n  )\nRETURNING",
        "inflight.owner <> CAST(:owner AS BIGINT) AND FALSE\n  )\nRETURNING",
        ("tests/limits/test_unheard.py",),
    ),
    Mutant(
        "a call that is told of late counts with nothing",
        "bot/limits/calls.py",
        "    if change == Amounts():",
        "    if change != Amounts():",
        ("tests/limits/test_unheard.py",),
    ),
    Mutant(
        "a create whose answer is lost made nothing",
        "bot/making.py",
        "        self.is_in_doubt, self._made = True, provider_id",
        "        self._made = provider_id",
        ("tests/wire/test_doubt.py",),
    ),
    Mutant(
        "what another process shows is cancelled",
        "bot/models/replicate.py",
        "if not (prediction.state.is_final or prediction.is_passed_on):",
        "if not prediction.state.is_final:",
        ("tests/models/test_leaving.py",),
    ),
    Mutant(
        "only the newest page is looked through",
        "bot/models/replicate.py",
        "                if len(newest) > MOST_LISTED:",
        "                if len(newest) == 100:\n                    break\n                if False:",
        ("tests/models/test_resuming.py",),
    ),
    Mutant(
        "another call's prediction is taken for a lost one",
        "bot/past.py",
        "        if creates.is_under_way(fingerprint):",
        "        if False:",
        ("tests/test_past.py",),
    ),
    Mutant(
        "what may be made after a stop counts with nothing",
        "bot/making.py",
        "        return PredictionState.CANCELED, self.bound",
        "        return PredictionState.ABORTED, Tokens()",
        ("tests/wire/test_doubt.py",),
    ),
    Mutant(
        "a channel that the asker does not see is named",
        "bot/reading/history.py",
        "        return channel is None or channel.permissions_for(asker).view_channel",
        "        return True",
        ("tests/reading/test_history.py",),
    ),
    Mutant(
        "two processes answer the same",
        "bot/limits/admissions.py",
        "            if not is_alone:",
        "            if False:",
        ("tests/limits/test_leases.py",),
    ),
    Mutant(
        "what is written goes into a file that is gone",
        "bot/store/connection.py",
        "            if self._file.identity() != self._opened:\n                self._reopen()",
        "            pass",
        ("tests/store/test_sqlite.py",),
    ),
)


def main(names: Sequence[str]) -> int:
    """Try the breakages named, or all; the exit code says whether every one was caught."""
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    if not chosen:
        print("No such breakage. There are:", *(mutant.name for mutant in MUTANTS), sep="\n  ")
        return 2
    copy_checkout()
    survivors = [mutant for mutant in chosen if not is_caught(mutant)]
    shutil.rmtree(COPY)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} breakages were caught")
    return 1 if survivors else 0


def copy_checkout() -> None:
    """Copy what git tracks, as it stands in the working tree."""
    shutil.rmtree(COPY, ignore_errors=True)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, tracked.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            target = COPY / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)


def is_caught(mutant: Mutant) -> bool:
    """Apply one breakage to the copy, run its tests, and mend it again."""
    path = COPY / mutant.file
    text = path.read_text(encoding="utf-8")
    if text.count(mutant.sound) != 1:
        print(f"STALE     {mutant.name}: {mutant.file} has its line {text.count(mutant.sound)} times")
        return False
    path.write_text(text.replace(mutant.sound, mutant.broken), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-x", *mutant.tests]
    try:
        code = subprocess.run(command, cwd=COPY, capture_output=True, timeout=SECONDS, check=False).returncode
    finally:
        path.write_text(text, encoding="utf-8")
    print(f"{'caught' if code == FAILED else 'SURVIVED':9} {mutant.name}", flush=True)
    return code == FAILED


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m tools.mutants", description=__doc__)
    arguments.add_argument("names", nargs="*", help="breakages to try; all if left out")
    sys.exit(main(arguments.parse_args().names))
