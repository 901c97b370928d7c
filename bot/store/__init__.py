"""What the bot remembers, in a database: the only place with SQL."""

from bot.store.driver import StoreUnavailable, Transaction
from bot.store.rows import PredictionRow, UsageRow
from bot.store.store import Store

__all__ = ["PredictionRow", "Store", "StoreUnavailable", "Transaction", "UsageRow"]
