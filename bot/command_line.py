"""The command line: ``python -m bot`` run, demo, check, usage, db backup, db migrate."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from bot.address import PostgresAddress
from bot.check import Reach, check
from bot.config import Settings, load, load_database_url
from bot.demo.options import DemoOptions
from bot.errors import ConfigError
from bot.garbage import seldom_collected
from bot.logs import open_log
from bot.models.registry import faults_on_replicate
from bot.offloading import take_short_turns
from bot.sockets import allow_many
from bot.store import Store, StoreUnavailable
from bot.store.store import address_of

DONE = 0
FAULTY = 1
LAST_DAYS = timedelta(days=29)
"""Before today: where no first day is given, thirty days are told of."""
FIRST_DAY = date(2025, 1, 1)
"""Ids, and so records, begin here."""
INTERRUPTED = 130
"""What shells say of a program that Ctrl-C ended. A wrong command line is argparse's own 2."""


def parser() -> argparse.ArgumentParser:
    """The commands and their arguments; each sets ``command`` to the function that carries it out."""
    top = argparse.ArgumentParser(prog="python -m bot", description="Parlance, a Discord bot that answers.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the bot on Discord, with the settings of .env")
    run.add_argument("--force", action="store_true", help="tell Discord the commands even if unchanged")
    run.set_defaults(command=_run)

    demo = commands.add_parser("demo", help="try the bot in a browser: no token, no account")
    DemoOptions.add_to(demo)
    demo.set_defaults(command=_demo)

    check_ = commands.add_parser("check", help="say, line by line, what is right and what is missing")
    check_.add_argument("--models", action="store_true", help="also compare each model with its provider")
    check_.set_defaults(command=_check)

    usage = commands.add_parser("usage", help="say what was used, by server, model, command and person")
    usage.add_argument("--csv", action="store_true", help="every request instead, as CSV")
    usage.add_argument("--since", type=_day, metavar="DATE", help="the first day, such as 2026-05-01 (UTC)")
    usage.set_defaults(command=_usage)

    db = commands.add_parser("db", help="look after the database")
    tasks = db.add_subparsers(required=True, metavar="TASK")
    backup = tasks.add_parser("backup", help="copy the database, also while the bot runs")
    backup.add_argument("path", nargs="?", type=Path, help="the new file; beside the database if left out")
    backup.set_defaults(command=_backup)
    migrate = tasks.add_parser("migrate", help="bring the database to this version, after a backup")
    migrate.set_defaults(command=_migrate)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; return the exit code: 0, 1 for faults, 2 for a wrong command line."""
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.command(arguments)
    except ConfigError as error:
        print("\n".join(error.faults), file=sys.stderr)
        return FAULTY
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        if arguments.command is _run:
            raise
        # Whoever reads, such as `head`, has seen enough; Python would complain once more as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAULTY
    return code


def _settings() -> Settings:
    return load(faults_of=faults_on_replicate)


def _run(arguments: argparse.Namespace) -> int:
    from bot.online import run

    settings = _settings()
    open_log(settings, sys.stderr)
    allow_many()
    take_short_turns()
    with seldom_collected():
        return asyncio.run(run(settings, force_sync=arguments.force))


def _demo(arguments: argparse.Namespace) -> int:
    from bot.demo import run_demo

    return run_demo(DemoOptions.of(arguments))


def _check(arguments: argparse.Namespace) -> int:
    return asyncio.run(check(_settings, Reach.MODELS if arguments.models else Reach.BASICS, sys.stdout))


def _usage(arguments: argparse.Namespace) -> int:
    from bot.usage.console import print_report, print_rows

    now = datetime.now(UTC)
    first = arguments.since or now.date() - LAST_DAYS

    async def usage(url: str) -> None:
        async with Store.open(url) as store:
            await (print_rows if arguments.csv else print_report)(store, first, now, sys.stdout)

    url = load_database_url()
    address = address_of(url)
    if isinstance(address, Path) and not address.exists():
        print(f"There is no database at {address} yet.", file=sys.stderr)
        return FAULTY
    try:
        asyncio.run(usage(url))
    except StoreUnavailable as error:
        print(f"The records could not be read: {error.reason}", file=sys.stderr)
        return FAULTY
    return DONE


def _day(text: str) -> date:
    """A day on the command line.

    Raises:
        argparse.ArgumentTypeError: it is none, or is yet to come.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.max
    if not FIRST_DAY <= day <= datetime.now(UTC).date():
        raise argparse.ArgumentTypeError("wants a day that was, such as 2026-05-01")
    return day


def _backup(arguments: argparse.Namespace) -> int:
    async def backup(url: str) -> Path:
        async with Store.open(url) as store:
            return await store.backup(arguments.path)

    url = load_database_url()
    address = address_of(url)
    if isinstance(address, PostgresAddress):
        from bot.store.postgres import pg_dump

        print(pg_dump(address), file=sys.stderr)
        return FAULTY
    if not address.exists():
        print(f"There is no database at {address} yet.", file=sys.stderr)
        return FAULTY
    try:
        print(f"The database was copied to {asyncio.run(backup(url))}")
    except FileExistsError:
        print(f"{arguments.path} is there already: name a new file.", file=sys.stderr)
        return FAULTY
    except FileNotFoundError:
        print(f"There is no folder {arguments.path.parent}: make it first.", file=sys.stderr)
        return FAULTY
    except StoreUnavailable as error:
        print(f"The database could not be copied: {error.reason}", file=sys.stderr)
        return FAULTY
    except OSError as error:
        print(f"The database could not be copied: {error}", file=sys.stderr)
        return FAULTY
    return DONE


def _migrate(_arguments: argparse.Namespace) -> int:
    async def migrate(url: str) -> None:
        async with Store.open(url):
            pass

    url = load_database_url()
    asyncio.run(migrate(url))
    print(f"The database at {address_of(url)} is what this version needs.")
    return DONE
