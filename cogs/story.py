"""/story: a story from a premise."""

from discord import app_commands
from discord.app_commands import Choice, Range, locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.domain import Command, StoryLength, StoryOptions
from bot.i18n import N_
from bot.plans import Story
from bot.plans.words import LONGEST_WORDS
from cogs.decorators import everywhere
from cogs.requests import Asked, opening_of, request_of

LONGEST_WISH = 100
"""Characters of a genre or style: a few words."""

LENGTHS = [
    Choice(name=locale_str(N_("short, about 250 words")), value=StoryLength.SHORT.value),
    Choice(name=locale_str(N_("medium, about 600 words")), value=StoryLength.MEDIUM.value),
    Choice(name=locale_str(N_("long, about 1,500 words")), value=StoryLength.LONG.value),
]


class StoryCog(commands.Cog):
    """The command /story."""

    @everywhere
    @app_commands.command(name="story", description=locale_str(N_("Have a story told from your idea")))
    @app_commands.describe(
        premise=locale_str(N_("What the story is about")),
        genre=locale_str(N_("Such as mystery, fairy tale or science fiction")),
        length=locale_str(N_("How long the story is")),
        style=locale_str(N_("Such as funny, dark, or in rhymes")),
    )
    @app_commands.choices(length=LENGTHS)
    async def story(
        self,
        interaction: Asked,
        premise: Range[str, 1, LONGEST_WORDS],
        genre: Range[str, 1, LONGEST_WISH] = "",
        length: str = StoryLength.MEDIUM.value,
        style: Range[str, 1, LONGEST_WISH] = "",
    ) -> None:
        """Tell a story."""
        request = request_of(
            interaction, Command.STORY, premise, StoryOptions(genre, style, StoryLength(length))
        )
        bot = interaction.client
        bot.answers.start(request, opening_of(interaction), bot.plans[Command.STORY])


async def setup(bot: Parlance) -> None:
    """Add the command."""
    bot.plans[Command.STORY] = Story()
    await bot.add_cog(StoryCog())
