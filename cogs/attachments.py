"""Files that people attach, and files that they are sent: through Discord's own client."""

from collections.abc import Sequence
from pathlib import Path

import aiohttp
import discord

from bot.domain import File
from bot.errors import BadRequest
from bot.i18n import N_
from bot.reading.files import Download
from cogs.requests import Asked

GONE = N_("Discord no longer has this file. Please attach it again.")
NOT_GIVEN = N_("Discord did not give me the file. Please try again in a minute.")


def downloads(client: discord.Client) -> Download:
    """Downloads by this client. The size that Discord keeps of each file was checked before."""

    async def download(file: File) -> bytes:
        try:
            return await client.http.get_from_cdn(file.url)
        except (discord.NotFound, discord.Forbidden) as error:
            raise BadRequest(GONE) from error
        except (discord.HTTPException, aiohttp.ClientError) as error:
            raise BadRequest(NOT_GIVEN) from error

    return download


def most_bytes(interaction: Asked) -> int:
    """The size of a file that Discord takes where the interaction is."""
    if interaction.guild is None:
        return discord.utils.DEFAULT_FILE_SIZE_LIMIT_BYTES
    return interaction.guild.filesize_limit


async def send_files(interaction: Asked, files: Sequence[Path], text: str = "") -> None:
    """Send files privately, to an interaction that was deferred."""
    await interaction.followup.send(
        text,
        files=[discord.File(file) for file in files],
        ephemeral=True,
        allowed_mentions=discord.AllowedMentions.none(),
    )
