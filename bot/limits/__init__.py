"""What people may use: which limits apply, and the account of what was used."""

from bot.limits.ledger import Ledger
from bot.limits.lookup import Details
from bot.limits.resolve import EXEMPT, limit_id, resolve
from bot.limits.windows import resets_at, window_start

__all__ = ["EXEMPT", "Details", "Ledger", "limit_id", "resets_at", "resolve", "window_start"]
