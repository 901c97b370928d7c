"""Where admins look at the limits of their server, change them, and are told when a budget runs low."""

from bot.limits_desk.desk import LimitsDesk, Visit
from bot.limits_desk.directory import Directory
from bot.limits_desk.history import HISTORY_ID, NEWEST, page_view
from bot.limits_desk.look import Names
from bot.limits_desk.teller import Noticeboard, Server, Teller
from bot.limits_desk.wanted import LONGEST_AMOUNT, Wanted

__all__ = [
    "HISTORY_ID",
    "LONGEST_AMOUNT",
    "NEWEST",
    "Directory",
    "LimitsDesk",
    "Names",
    "Noticeboard",
    "Server",
    "Teller",
    "Visit",
    "Wanted",
    "page_view",
]
