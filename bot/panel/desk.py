"""What presses on the panel do."""

from collections.abc import Sequence
from dataclasses import dataclass

from discord import ui

from bot.choices import GUILD_ONLY, checked
from bot.domain import Place, Setting
from bot.errors import BadRequest
from bot.i18n import N_, Language
from bot.i18n.settings import label, stored_value, wants
from bot.ids import Clock, Ids, utc_now
from bot.panel.forms import form, written
from bot.panel.ids import Part, Press, Where
from bot.panel.look import FORMS, INHERITED, Looks, panel
from bot.policies import Policies
from bot.replies.inert import inert
from bot.store.audit import Change, ChangedMeanwhile, ChangeKind, Json
from bot.store.usage import NOBODY

WRONG = N_("{setting} {wants}.")
BY_WHOM = N_(
    "{who} has changed “{setting}” meanwhile, so your choice was not saved. "
    "Make it again if you still want it. It is now: {now}"
)
BY_SOMEBODY = N_(
    "“{setting}” has changed meanwhile, so your choice was not saved. "
    "Make it again if you still want it. It is now: {now}"
)
YOU_WROTE = N_("You wrote: {text}")


@dataclass(frozen=True, slots=True)
class Admin:
    """Who presses, and the language they read."""

    user_id: int
    language: Language


class Desk:
    """Draws panels and carries out what admins press on them. It keeps nothing."""

    def __init__(
        self,
        policies: Policies,
        ids: Ids,
        most_tokens: int,
        clock: Clock = utc_now,
    ) -> None:
        self._policies = policies
        self._ids = ids
        self._most_tokens = most_tokens
        self._clock = clock

    async def show(self, where: Where, language: Language, notice: str = "") -> ui.LayoutView:
        """Return the panel of a place.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        reaching = await self._policies.look(where.guild_id, where.channel_id)
        chosen = reaching.guild if where.place is Place.GUILD else reaching.channel
        policy = self._policies.resolve(reaching)
        return panel(Looks(where, chosen, policy, self._policies.offered, language, notice))

    def wants_form(self, press: Press) -> bool:
        """Whether a press opens a form, since its setting is written."""
        return press.part in FORMS

    async def form(self, press: Press, language: Language) -> ui.Modal:
        """Return the form of a setting that is written.

        Raises:
            StoreUnavailable: the database cannot be read.
        """
        where = press.where
        reaching = await self._policies.look(where.guild_id, where.channel_id)
        chosen = reaching.guild if where.place is Place.GUILD else reaching.channel
        before = chosen.json_of(Setting(press.part))
        return form(press, language, "" if before is None else str(before), self._most_tokens)

    async def choose(self, press: Press, values: Sequence[str], admin: Admin) -> str:
        """Save what was chosen in a menu or by a switch; return what is to be said of it, or nothing.

        Raises:
            BadRequest: it cannot be chosen.
            StoreUnavailable: it could not be saved.
        """
        if press.part is Part.RESET:
            wanted = [self._reset(press, value, admin) for value in values]
            return await self._save([each for each in wanted if each is not None], admin)
        setting = Setting(press.part)
        after = press.turn if press.turn is not None else _value(setting, values)
        if setting is Setting.PAUSED:
            after = after or None
        return await self._save([self._change(press, setting, after, admin)], admin)

    async def write(self, press: Press, text: str, admin: Admin) -> str:
        """Save what was written into a form; return what is to be said of it, or nothing.

        Raises:
            BadRequest: it cannot be used.
            StoreUnavailable: it could not be saved.
        """
        setting = Setting(press.part)
        after = await written(setting, text)
        notice = await self._save([self._change(press, setting, after, admin)], admin)
        if notice and setting is Setting.PERSONA:
            mine = inert(" ".join(text.split()))
            return f"{notice} {admin.language.say(YOU_WROTE, text=mine)}"
        return notice

    async def _save(self, changes: Sequence[Change], admin: Admin) -> str:
        try:
            await self._policies.change(*changes)
        except ChangedMeanwhile as meanwhile:
            return _told(meanwhile, admin.language)
        return ""

    def _change(self, press: Press, setting: Setting, after: Json, admin: Admin) -> Change:
        """The change that a press asks for, once it is one that can be made here."""
        if after is not None:
            self._check(setting, after, admin.language)
        if setting in GUILD_ONLY and press.where.place is not Place.GUILD:
            raise BadRequest(N_("This is chosen for the whole server. Go back to it, then choose."))
        return Change(
            id=self._ids.new(),
            guild_id=press.where.guild_id,
            user_id=admin.user_id,
            at=self._clock(),
            kind=ChangeKind.SETTING,
            place=press.where.place,
            place_id=press.where.place_id,
            name=setting.value,
            after=after,
            seen=press.seen or None,
        )

    def _check(self, setting: Setting, after: Json, language: Language) -> None:
        try:
            checked(setting, after)
        except ValueError:
            is_right = False
        else:
            is_right = not (isinstance(after, int) and setting is Setting.LONGEST_ANSWER) or (
                after <= self._most_tokens
            )
        if not is_right:
            wanted = wants(language, setting, self._most_tokens)
            raise BadRequest(WRONG, setting=label(language, setting), wants=wanted)

    def _reset(self, press: Press, value: str, admin: Admin) -> Change | None:
        name, _, seen = value.partition(":")
        if name not in set(Setting):
            return None
        setting = Setting(name)
        return self._change(Press(press.where, setting, None, seen), setting, None, admin)


def _value(setting: Setting, values: Sequence[str]) -> Json:
    """What was chosen in a menu, as JSON."""
    if setting in {Setting.COMMANDS, Setting.MODELS}:
        return [*sorted(values)]
    if not values or values[0] == INHERITED:
        return None
    return int(values[0]) if setting is Setting.NOTICES else values[0]


def _told(meanwhile: ChangedMeanwhile, language: Language) -> str:
    """What changed after the admin looked, and who changed it where that is known."""
    setting = Setting(meanwhile.change.name)
    fields = {
        "setting": label(language, setting),
        "now": stored_value(language, setting, meanwhile.now),
    }
    if meanwhile.last is None or meanwhile.last.user_id == NOBODY:
        return language.say(BY_SOMEBODY, **fields)
    return language.say(BY_WHOM, who=f"<@{meanwhile.last.user_id}>", **fields)
