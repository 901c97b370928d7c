"""What was used: reports for people, and files of the rows behind them."""

from bot.usage.period import Period, Stretch, stretch
from bot.usage.report import By, Report, Reports, Share

__all__ = ["By", "Period", "Report", "Reports", "Share", "Stretch", "stretch"]
