"""What each command does with the model: one plan a command, all run by the one path in ``bot.answer``."""

from bot.plans.ask import Ask
from bot.plans.story import Story
from bot.plans.summarize import Summarize
from bot.plans.translate import Translate

__all__ = ["Ask", "Story", "Summarize", "Translate"]
