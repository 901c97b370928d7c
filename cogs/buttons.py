"""What the buttons under an answer do.

They carry the request's id, so they work after a restart, for the people they are meant for.
"""

import discord

from bot.answer import Stopped
from bot.app import Parlance
from bot.details import details, may_look
from bot.errors import Refused
from bot.i18n import N_, language
from cogs.numbered import NumberedButton, Press
from cogs.permissions import Audience
from cogs.requests import scope_of

NOT_ASKER = N_("Only the person who asked, or a moderator, can stop this answer.")
ENDED = N_("This answer has ended already.")
SOON = N_("This answer will stop in a few seconds.")
NOT_SEEN = N_("Details are for those who see the answer. Press the button below it.")

REQUEST_ID = r"(?P<number>\d{1,19})"


class StopButton(NumberedButton, template=rf"stop:{REQUEST_ID}"):
    """Ends an answer under way, for the one who asked and for those who moderate the place."""

    audience = Audience.ASKER_OR_MODERATOR

    async def pressed(self, interaction: Press) -> None:
        """Stop the answer; the message itself shows that it stopped."""
        stopped = await interaction.client.answers.stop(
            self.number, scope_of(interaction), moderates=interaction.permissions.manage_messages
        )
        match stopped:
            case Stopped.STOPPING:
                await interaction.response.defer()
            case Stopped.SOON:
                text = language(str(interaction.locale)).say(SOON)
                await interaction.response.send_message(text, ephemeral=True)
            case Stopped.ENDED:
                raise Refused(ENDED)
            case Stopped.NOT_ALLOWED:
                raise Refused(NOT_ASKER)


class DetailsButton(NumberedButton, template=rf"details:{REQUEST_ID}"):
    """Shows how an answer was made, to whoever can see the answer."""

    audience = Audience.EVERYONE

    async def pressed(self, interaction: Press) -> None:
        """Show the record of the request and of its predictions."""
        record = await interaction.client.answers.services.ledger.lookup.details(self.number)
        if record is None:
            raise Refused(N_("There is no record of this answer any more."))
        if not may_look(record.usage, scope_of(interaction)):
            raise Refused(NOT_SEEN)
        text = details(language(str(interaction.locale)), *record)
        await interaction.response.send_message(
            text, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )


async def setup(bot: Parlance) -> None:
    """Let the bot know the buttons of every answer, also of those before its last start."""
    bot.add_dynamic_items(StopButton, DetailsButton)
