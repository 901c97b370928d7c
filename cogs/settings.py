"""/settings: the panel in which admins choose, and their settings as a file."""

import re
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Self

import discord
from discord import app_commands, ui
from discord.app_commands import locale_str
from discord.ext import commands

from bot.app import Parlance
from bot.errors import BadRequest
from bot.i18n import N_, language
from bot.panel import PANEL_ID, Admin, Desk, Part, Press, Where, written_in
from bot.settings_file import LARGEST_FILE, FileDesk, Here
from bot.settings_file.desk import Admin as FileAdmin
from cogs.attachments import downloads
from cogs.decorators import for_admins
from cogs.permissions import Audience, Guarded, managed_guild, require_manager
from cogs.requests import Asked, file_of

TOO_LARGE = N_("A settings file is at most {size}. Attach one that /settings export made.")
GONE = N_("This channel is not there any more. Open /settings panel again.")


@for_admins
class SettingsCog(
    commands.GroupCog,
    group_name=locale_str("settings"),
    group_description=locale_str(N_("What this server's admins choose")),
):
    """The commands below /settings, and the forms that the panel opens."""

    @app_commands.command(
        name="panel",
        description=locale_str(N_("Choose models, commands and more, for the server or a channel")),
    )
    async def panel(self, interaction: Asked) -> None:
        """Open the panel for the whole server."""
        where = Where(require_manager(interaction))
        view = await _desk(interaction).show(where, language(str(interaction.locale)))
        await interaction.response.send_message(
            view=view, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
        )

    @app_commands.command(
        name="export", description=locale_str(N_("Get this server's settings and limits as a file"))
    )
    async def export(self, interaction: Asked) -> None:
        """Send the file privately."""
        data = await _files(interaction).export(require_manager(interaction))
        await interaction.response.send_message(
            file=discord.File(BytesIO(data), "parlance-settings.json"), ephemeral=True
        )

    @app_commands.command(
        name="import", description=locale_str(N_("Make this server's settings and limits those of a file"))
    )
    @app_commands.describe(file=locale_str(N_("One from /settings export; what it leaves out is taken back")))
    async def take(self, interaction: Asked, file: discord.Attachment) -> None:
        """Take over a file, all of it or nothing."""
        here = _here(interaction)
        if file.size > LARGEST_FILE:
            raise BadRequest(TOO_LARGE, size=language(str(interaction.locale)).size(LARGEST_FILE))
        await interaction.response.defer(ephemeral=True, thinking=True)
        data = await downloads(interaction.client)(file_of(file))
        admin = FileAdmin(interaction.user.id, interaction.created_at, language(str(interaction.locale)))
        said = await _files(interaction).take(data, here, admin)
        await interaction.followup.send(said, ephemeral=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: Asked) -> None:
        """Read a form of the panel that was sent, also one that was opened before the bot's last start."""
        if interaction.type is not discord.InteractionType.modal_submit or interaction.data is None:
            return
        custom_id = str(interaction.data.get("custom_id"))
        if re.fullmatch(PANEL_ID, custom_id) is None or not await interaction.client.lets_in(interaction):
            return
        try:
            press = _press(interaction, custom_id)
            notice = await _desk(interaction).write(press, written_in(interaction.data), _admin(interaction))
            await _redraw(interaction, press.where, notice)
        except Exception as error:  # noqa: BLE001 - every error becomes a sentence
            await interaction.client.say_error(interaction, error)


class PanelItem(Guarded, ui.DynamicItem[ui.Item[Any]], template=PANEL_ID):
    """A button or menu of the panel, whichever: its id says what it is for."""

    audience = Audience.MANAGERS

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], item: ui.Item[Any], _match: re.Match[str], /
    ) -> Self:
        """Know it again from the message."""
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what was pressed, and draw the panel anew.

        discord.py only logs what a dynamic item raises, so errors are handed to the bot's handler here.
        """
        try:
            await self._pressed(interaction)
        except Exception as error:  # noqa: BLE001 - every error becomes a sentence
            await interaction.client.say_error(interaction, error)

    async def _pressed(self, interaction: Asked) -> None:
        press = _press(interaction, self.custom_id)
        desk = _desk(interaction)
        data: Mapping[str, Any] = interaction.data or {}
        values = [str(value) for value in data.get("values", ())]
        if press.part is Part.LOOK:
            looked = Where(press.where.guild_id, int(values[0]) if values else None)
            _require_there(interaction, looked)
            await _redraw(interaction, looked)
        elif desk.wants_form(press):
            await interaction.response.send_modal(await desk.form(press, language(str(interaction.locale))))
        else:
            notice = await desk.choose(press, values, _admin(interaction))
            await _redraw(interaction, press.where, notice)


def _press(interaction: Asked, custom_id: str) -> Press:
    """What was pressed, once the person may and its place is there."""
    press = Press.of(require_manager(interaction), custom_id)
    if press is None:
        raise BadRequest(N_("This panel is of an older version. Open /settings panel again."))
    _require_there(interaction, press.where)
    return press


def _require_there(interaction: Asked, where: Where) -> None:
    guild = interaction.guild
    if where.channel_id is not None and (guild is None or guild.get_channel(where.channel_id) is None):
        raise BadRequest(GONE)


async def _redraw(interaction: Asked, where: Where, notice: str = "") -> None:
    view = await _desk(interaction).show(where, language(str(interaction.locale)), notice)
    await interaction.response.edit_message(view=view, allowed_mentions=discord.AllowedMentions.none())


def _admin(interaction: Asked) -> Admin:
    return Admin(interaction.user.id, language(str(interaction.locale)))


def _here(interaction: Asked) -> Here:
    """What the server has that a file may speak of."""
    guild = managed_guild(interaction)
    services = interaction.client.answers.services
    categories = frozenset(category.id for category in guild.categories)
    return Here(
        guild_id=guild.id,
        channels=frozenset(channel.id for channel in guild.channels) - categories,
        categories=categories,
        noticeable=frozenset(channel.id for channel in guild.text_channels),
        roles=frozenset(role.id for role in guild.roles),
        models=frozenset(services.policies.offered),
        most_tokens=services.settings.max_answer_tokens,
    )


def _files(interaction: Asked) -> FileDesk:
    bot = interaction.client
    return FileDesk(bot.store, bot.answers.services.policies, bot.ids)


def _desk(interaction: Asked) -> Desk:
    services = interaction.client.answers.services
    return Desk(services.policies, interaction.client.ids, services.settings.max_answer_tokens)


async def setup(bot: Parlance) -> None:
    """Add the commands, and let the bot know every panel, also those opened before its last start."""
    await bot.add_cog(SettingsCog())
    bot.add_dynamic_items(PanelItem)
