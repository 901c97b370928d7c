"""Buttons that carry one number, so they work after a restart, for the people they are meant for."""

import re
from typing import Any, Self

import discord
from discord import ui

from bot.app import Parlance
from cogs.permissions import Guarded

Press = discord.Interaction[Parlance]


class NumberedButton(Guarded, ui.DynamicItem[ui.Button[ui.View]], template="numbered-button"):
    """A button whose id ends in a number, such as a request's; subclasses say what a press does.

    Their template names it ``number``.
    """

    def __init__(self, custom_id: str, number: int) -> None:
        self.number = number
        super().__init__(ui.Button(custom_id=custom_id))

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Know the number again from what the message carries."""
        return cls(match.string, int(match["number"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Do what the button says.

        discord.py only logs what a dynamic item raises, so errors are handed to the bot's handler here.
        """
        try:
            await self.pressed(interaction)
        except Exception as error:  # noqa: BLE001 - every error becomes a sentence
            await interaction.client.say_error(interaction, error)

    async def pressed(self, interaction: Press) -> None:
        """What a press does."""
        raise NotImplementedError
