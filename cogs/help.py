"""/help: what the bot can do here, and which model answers."""

from discord import app_commands
from discord.app_commands import locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.guide import guide
from bot.i18n import N_, language
from cogs.decorators import everywhere
from cogs.requests import Asked, scope_of


class HelpCog(commands.Cog):
    """The command /help."""

    @everywhere
    @app_commands.command(
        name="help", description=locale_str(N_("What I can do here, and which model answers"))
    )
    async def help(self, interaction: Asked) -> None:
        """Tell privately; where the operator does not serve the place, say so."""
        services = interaction.client.answers.services
        scope = scope_of(interaction)
        policy = await services.policies.of(scope)
        spoken = language(policy.language or str(interaction.locale))
        manages = interaction.permissions.manage_guild
        text = guide(spoken, services.settings, policy, scope, manages=manages)
        await interaction.response.send_message(text, ephemeral=True)


async def setup(bot: Parlance) -> None:
    """Add the command."""
    await bot.add_cog(HelpCog())
