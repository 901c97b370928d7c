"""The panel in which admins choose the settings of their server and its channels."""

from bot.panel.desk import Admin, Desk
from bot.panel.forms import written_in
from bot.panel.ids import PANEL_ID, Part, Press, Where

__all__ = ["PANEL_ID", "Admin", "Desk", "Part", "Press", "Where", "written_in"]
