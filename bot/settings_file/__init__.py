"""A server's settings and limits as one file, to keep or to take to another server."""

from bot.settings_file.desk import FileDesk
from bot.settings_file.read import Faults, Here
from bot.settings_file.shape import LARGEST_FILE

__all__ = ["LARGEST_FILE", "Faults", "FileDesk", "Here"]
