"""/privacy: a person's own data as a file, and its erasure; for anyone, also who is not served otherwise."""

import tempfile
from pathlib import Path

import discord
from discord import app_commands, ui
from discord.app_commands import locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.errors import Refused
from bot.files import in_parts
from bot.i18n import N_, language
from bot.privacy import Privacy
from cogs.attachments import most_bytes, send_files
from cogs.decorators import everywhere
from cogs.numbered import NumberedButton, Press
from cogs.permissions import Audience
from cogs.requests import Asked

NOTHING = N_("I have nothing on record about you.")
ABOUT_FILE = N_(
    "This is all that I have on record about you: one line for each request, and what limits have counted. "
    "What you ask is kept, encrypted, only until its answer is written; what I answer never is."
)
ABOUT_ERASING = N_(
    "This takes you out of my records, in every server and in direct messages. The sums stay, without you. "
    "What running limits have counted for you stays until their windows end, a month at most. "
    "It cannot be undone."
)
ERASED = N_(
    "You are out of my records. What running limits have counted for you goes when their windows end."
)
NOT_YOURS = N_("Only the person who asked for this can press it.")


@everywhere
class PrivacyCog(
    commands.GroupCog,
    group_name=locale_str("privacy"),
    group_description=locale_str(N_("What is on record about you")),
):
    """The commands below /privacy."""

    @app_commands.command(
        name="export", description=locale_str(N_("Get all that is on record about you, as a file"))
    )
    async def export(self, interaction: Asked) -> None:
        """Send a person's own data to them alone."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        spoken = language(str(interaction.locale))
        with tempfile.TemporaryDirectory(prefix="parlance-privacy-") as folder:
            told = Privacy(interaction.client.store).told(interaction.user.id)
            files = await in_parts(told, "your-data.jsonl", Path(folder), most_bytes(interaction))
            await send_files(interaction, files, spoken.say(ABOUT_FILE if files else NOTHING))

    @app_commands.command(
        name="erase", description=locale_str(N_("Have yourself taken out of what is on record"))
    )
    async def erase(self, interaction: Asked) -> None:
        """Say what will be erased and what not, with a button to do it."""
        spoken = language(str(interaction.locale))
        view = ui.View(timeout=None)
        view.add_item(
            ui.Button(
                label=spoken.say(N_("Erase my data")),
                style=discord.ButtonStyle.danger,
                custom_id=f"erase:{interaction.user.id}",
            )
        )
        view.stop()
        await interaction.response.send_message(spoken.say(ABOUT_ERASING), view=view, ephemeral=True)


class EraseButton(NumberedButton, template=r"erase:(?P<number>\d{1,19})"):
    """Erases the data of the person whose id it carries, when that person presses it."""

    audience = Audience.ASKER

    async def pressed(self, interaction: Press) -> None:
        """Erase, then say so in place of the question."""
        if interaction.user.id != self.number:
            raise Refused(NOT_YOURS)
        await interaction.response.defer()
        await Privacy(interaction.client.store).erase(self.number)
        spoken = language(str(interaction.locale))
        await interaction.edit_original_response(content=spoken.say(ERASED), view=None)


async def setup(bot: Parlance) -> None:
    """Add the commands, and let the bot know the button, also where it stood before the last start."""
    await bot.add_cog(PrivacyCog())
    bot.add_dynamic_items(EraseButton)
