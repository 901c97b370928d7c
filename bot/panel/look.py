"""What the panel looks like: one message of Components V2, drawn anew after every press."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import discord
from discord import ui

from bot.choices import GUILD_ONLY, LANGUAGES, Choices
from bot.domain import Command, Place, Policy, Setting
from bot.i18n import N_, Language
from bot.i18n.settings import label, language_called, origin, value
from bot.panel.ids import Part, Press, Where
from bot.replies.inert import inert
from bot.store.audit import stamp

MOST_OPTIONS: Final = 25
"""Options of a menu (Discord: String Select)."""
LONGEST_OPTION: Final = 100
CHANNEL: Final = discord.SelectDefaultValueType.channel
INHERITED: Final = "inherited"
"""The value of the option that takes a choice back."""
COLOUR: Final = 0x2F6F6B
SETTLED_IN: Final = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.voice,
    discord.ChannelType.stage_voice,
    discord.ChannelType.forum,
    discord.ChannelType.media,
]
"""Channels that have settings of their own; threads have those of their parent."""
WRITTEN_IN: Final = [discord.ChannelType.text, discord.ChannelType.news]
"""Channels that notices can go to."""

TITLE_GUILD: Final = N_("Settings of the whole server")
TITLE_CHANNEL: Final = N_("Settings of {channel}")
ABOUT_GUILD: Final = N_(
    "They hold in every channel that has none of its own. Choose a channel to look at it."
)
ABOUT_CHANNEL: Final = N_("They hold in this channel and its threads, before those of the server.")
UNMARKED: Final = N_("What has no note beside it is as the operator set it.")

FORMS: Final = (Setting.PERSONA, Setting.LONGEST_ANSWER, Setting.TIME_ZONE, Setting.RETENTION_DAYS)
"""Settings that are written into a form."""
SAID: Final = (Setting.PAUSED, Setting.PRIVATE, *FORMS)
"""Settings that are said in words above their buttons."""


@dataclass(frozen=True, slots=True)
class Looks:
    """All that the panel shows."""

    where: Where
    chosen: Choices
    """What is chosen in this place."""
    policy: Policy
    offered: Sequence[str]
    """Names of the models that the operator offers."""
    language: Language
    notice: str = ""
    """What became of the last press, where that is not plain to see."""


def panel(looks: Looks) -> ui.LayoutView:
    """Draw it. The view is stopped at once: presses are dispatched by their ids, so none has to be kept."""
    view = ui.LayoutView(timeout=None)
    box: ui.Container[ui.LayoutView] = ui.Container(accent_colour=COLOUR)
    box.add_item(ui.TextDisplay(_heading(looks)))
    for row in _places(looks):
        box.add_item(ui.ActionRow(row))
    for setting, menu in _menus(looks):
        box.add_item(ui.TextDisplay(_said(looks, setting, with_value=False)))
        box.add_item(ui.ActionRow(menu))
    box.add_item(ui.TextDisplay("\n".join(_said(looks, setting) for setting in _here(looks, SAID))))
    box.add_item(ui.ActionRow(*_switches(looks)))
    box.add_item(ui.ActionRow(*_form_buttons(looks)))
    if (reset := _reset(looks)) is not None:
        box.add_item(ui.ActionRow(reset))
    view.add_item(box)
    view.stop()
    return view


def press(looks: Looks, part: Part | Setting, *, turn: bool | None = None) -> str:
    """Return the id of a part of this panel; a setting's carries what is seen of it here."""
    seen = stamp(looks.chosen.json_of(part)) if isinstance(part, Setting) else ""
    return Press(looks.where, part, turn, seen).custom_id


def _heading(looks: Looks) -> str:
    say, channel = looks.language.say, looks.where.channel_id
    if channel is None:
        lines = [f"## {say(TITLE_GUILD)}", f"-# {say(ABOUT_GUILD)}"]
    else:
        lines = [f"## {say(TITLE_CHANNEL, channel=f'<#{channel}>')}", f"-# {say(ABOUT_CHANNEL)}"]
    if any(looks.policy.origins[setting] is Place.BOT for setting in _here(looks, Setting)):
        lines.append(f"-# {say(UNMARKED)}")
    return "\n".join([*lines, f"> {looks.notice}"] if looks.notice else lines)


def _said(looks: Looks, setting: Setting, *, with_value: bool = True) -> str:
    """One line: the setting, what it is, and where that comes from where an admin chose it."""
    language = looks.language
    shown = f": {inert(value(language, looks.policy, setting))}" if with_value else ""
    from_where = origin(language, looks.policy, setting, looks.where.place)
    return f"**{label(language, setting)}**{shown}" + (f" · *{from_where}*" if from_where else "")


def _here(looks: Looks, settings: Iterable[Setting]) -> list[Setting]:
    """Those that this place has."""
    in_channel = looks.where.channel_id is not None
    return [setting for setting in settings if not (in_channel and setting in GUILD_ONLY)]


def _places(looks: Looks) -> list[ui.Item[Any]]:
    say = looks.language.say
    there: ui.ChannelSelect[ui.LayoutView] = ui.ChannelSelect(
        custom_id=press(looks, Part.LOOK),
        channel_types=SETTLED_IN,
        placeholder=say(N_("Look at a channel")),
    )
    if looks.where.channel_id is None:
        return [there]
    back: ui.Button[ui.LayoutView] = ui.Button(
        label=say(N_("The whole server")), custom_id=press(looks, Part.LOOK, turn=False)
    )
    return [there, back]


def _menus(looks: Looks) -> list[tuple[Setting, ui.Item[Any]]]:
    menus: list[tuple[Setting, ui.Item[Any]]] = [
        (Setting.COMMANDS, _commands(looks)),
        (Setting.MODEL, _model(looks)),
        (Setting.MODELS, _models(looks)),
        (Setting.LANGUAGE, _language(looks)),
    ]
    if looks.where.channel_id is None:
        menus.append((Setting.NOTICES, _notices(looks)))
    return menus


def _commands(looks: Looks) -> ui.Select[ui.LayoutView]:
    return ui.Select(
        custom_id=press(looks, Setting.COMMANDS),
        placeholder=looks.language.say(N_("No command is on")),
        min_values=0,
        max_values=len(Command),
        options=[
            discord.SelectOption(
                label=f"/{looks.language.name(command.value)}",
                value=command.value,
                default=command in looks.policy.commands,
            )
            for command in Command
        ],
    )


def _model(looks: Looks) -> ui.Select[ui.LayoutView]:
    return ui.Select(
        custom_id=press(looks, Setting.MODEL),
        options=[
            discord.SelectOption(label=name, value=name, default=name == looks.policy.model)
            for name in _shown_models(looks)
        ],
    )


def _models(looks: Looks) -> ui.Select[ui.LayoutView]:
    names = _shown_models(looks)
    return ui.Select(
        custom_id=press(looks, Setting.MODELS),
        min_values=0,
        max_values=len(names),
        options=[
            discord.SelectOption(label=name, value=name, default=name in looks.policy.models)
            for name in names
        ],
    )


def _shown_models(looks: Looks) -> list[str]:
    """As many as fit, and surely the one that answers now; others are chosen by import."""
    fitting = [name for name in looks.offered if len(name) <= LONGEST_OPTION and name != looks.policy.model]
    shown = {looks.policy.model, *fitting[: MOST_OPTIONS - 1]}
    return [name for name in dict.fromkeys([*looks.offered, looks.policy.model]) if name in shown]


def _language(looks: Looks) -> ui.Select[ui.LayoutView]:
    chosen = looks.chosen.language
    say = looks.language.say
    nothing = N_("each reader's own") if looks.where.channel_id is None else N_("as inherited")
    return ui.Select(
        custom_id=press(looks, Setting.LANGUAGE),
        options=[
            discord.SelectOption(label=say(nothing), value=INHERITED, default=chosen is None),
            *(
                discord.SelectOption(
                    label=language_called(looks.language, code), value=code, default=code == chosen
                )
                for code in LANGUAGES
            ),
        ],
    )


def _notices(looks: Looks) -> ui.ChannelSelect[ui.LayoutView]:
    chosen = looks.policy.notices
    return ui.ChannelSelect(
        custom_id=press(looks, Setting.NOTICES),
        channel_types=WRITTEN_IN,
        placeholder=looks.language.say(N_("Nowhere")),
        min_values=0,
        default_values=[] if chosen is None else [discord.SelectDefaultValue(id=chosen, type=CHANNEL)],
    )


def _switches(looks: Looks) -> list[ui.Button[ui.LayoutView]]:
    say, policy = looks.language.say, looks.policy
    paused = bool(looks.chosen.paused)
    return [
        ui.Button(
            label=say(N_("Answer again")) if paused else say(N_("Pause me")),
            style=discord.ButtonStyle.success if paused else discord.ButtonStyle.danger,
            custom_id=press(looks, Setting.PAUSED, turn=not paused),
        ),
        ui.Button(
            label=say(N_("Answer publicly")) if policy.private else say(N_("Answer privately")),
            custom_id=press(looks, Setting.PRIVATE, turn=not policy.private),
        ),
    ]


def _form_buttons(looks: Looks) -> list[ui.Button[ui.LayoutView]]:
    return [
        ui.Button(label=label(looks.language, setting) + "…", custom_id=press(looks, setting))
        for setting in _here(looks, FORMS)
    ]


def _reset(looks: Looks) -> ui.Select[ui.LayoutView] | None:
    """A menu of what is chosen here, to take back; None where there is nothing."""
    chosen = {setting: looks.chosen.json_of(setting) for setting in _here(looks, Setting)}
    options = [
        discord.SelectOption(label=label(looks.language, setting), value=f"{setting.value}:{stamp(seen)}")
        for setting, seen in chosen.items()
        if seen is not None
    ]
    if not options:
        return None
    return ui.Select(
        custom_id=press(looks, Part.RESET),
        placeholder=looks.language.say(N_("Take back what is chosen here")),
        max_values=len(options),
        options=options,
    )
