"""The buttons under an answer, as Discord shows them.

What a press does is read from the button's id, in cogs/buttons.py.
"""

import discord
from discord import ui

from bot.i18n import N_, language
from bot.replies.transport import Buttons

_LOOKS: tuple[tuple[Buttons, str, str, discord.ButtonStyle], ...] = (
    (Buttons.STOP, "stop", N_("Stop"), discord.ButtonStyle.danger),
    (Buttons.DETAILS, "details", N_("Details"), discord.ButtonStyle.secondary),
)


def view_of(buttons: Buttons, request_id: int, locale: str) -> ui.View | None:
    """A view with these buttons in the reader's language, or None where there are none.

    The ids carry the request, so a press means the same after a restart. The view is stopped at once: presses
    are dispatched by their ids, so discord.py has to keep no view, nor a timer for it.
    """
    say = language(locale).say
    view = ui.View(timeout=None)
    for flag, name, label, style in _LOOKS:
        if flag in buttons:
            view.add_item(ui.Button(label=say(label), style=style, custom_id=f"{name}:{request_id}"))
    view.stop()
    return view if view.children else None
