"""REST for interactions: acknowledging them, and the messages that live under their token."""

from dataclasses import dataclass

from tests.wire.discord_channels import Channels
from tests.wire.discord_kinds import Acknowledged, Flag, Install, InteractionKind
from tests.wire.discord_log import Exchange, now
from tests.wire.discord_messages import (
    ACKNOWLEDGED,
    CHOICES,
    INVALID_TOKEN,
    TOO_MANY_FOLLOWUPS,
    UNKNOWN_INTERACTION,
    UNKNOWN_MESSAGE,
    UNKNOWN_WEBHOOK,
    check,
    invalid,
    write,
)
from tests.wire.discord_payloads import message_payload
from tests.wire.discord_server import NO_CONTENT, Server
from tests.wire.discord_world import Interaction, Json, Message, Upload, World

PONG, MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, UPDATE, CHOICE_LIST, MODAL = 1, 4, 5, 6, 7, 8, 9
USER_INSTALL_FOLLOWUPS = 5
"""Where only the user installed the app (Discord: Followup Messages)."""

ORIGINAL = "@original"


@dataclass
class Lifetimes:
    """Seconds: to acknowledge an interaction, and that its token lives. Both may be changed."""

    acknowledge: float = 3.0
    token: float = 900.0


@dataclass(eq=False)
class Interactions:
    """What the bot answers to interactions."""

    world: World
    channels: Channels
    lifetimes: Lifetimes

    def routes(self, server: Server) -> None:
        messages = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"
        server.add("POST /interactions/{interaction_id}/{interaction_token}/callback", self.callback)
        server.add("POST /webhooks/{webhook_id}/{webhook_token}", self.follow_up)
        server.add(f"GET {messages}", self.get)
        server.add(f"PATCH {messages}", self.patch)
        server.add(f"DELETE {messages}", self.delete)

    def callback(self, exchange: Exchange) -> object:
        """The first answer: in time, once, and of a type that fits the interaction."""
        interaction = self.world.interactions.get(exchange.parameters["interaction_token"])
        if interaction is None or str(interaction.id) != exchange.parameters["interaction_id"]:
            raise UNKNOWN_INTERACTION
        if interaction.acknowledged is not Acknowledged.NOT:
            raise ACKNOWLEDGED
        # Late is what a request was when it set out, however long the stand-in then held it.
        if interaction.late or exchange.started - interaction.created > self.lifetimes.acknowledge:
            raise UNKNOWN_INTERACTION
        body = exchange.body
        data = body.get("data") or {}
        self._respond(interaction, body["type"], data, exchange.files)
        interaction.acknowledged_at = now()
        if exchange.query.get("with_response") not in {"1", "true"}:
            return NO_CONTENT
        return self._callback_payload(interaction, body["type"])

    def _respond(self, interaction: Interaction, kind: int, data: Json, files: list[Upload]) -> None:
        autocomplete = interaction.kind is InteractionKind.AUTOCOMPLETE
        needs_message = kind in {DEFERRED_UPDATE, UPDATE} and interaction.message is None
        if autocomplete != (kind == CHOICE_LIST) or needs_message or kind == PONG:
            raise invalid("INTERACTION_CALLBACK_TYPE_INVALID", "Not for this interaction.", "type")
        if kind in {MESSAGE, UPDATE}:
            check(data, files, "data")
        if kind in {MESSAGE, DEFERRED_MESSAGE}:
            self._create_original(interaction, kind, data, files)
        elif kind in {DEFERRED_UPDATE, UPDATE}:
            interaction.original = interaction.message
            if kind == UPDATE and interaction.message is not None:
                self.channels.rewrite(interaction.message, data, files)
        elif kind == CHOICE_LIST:
            interaction.choices = _checked_choices(data)
        elif kind == MODAL:
            interaction.modal = _checked_modal(data)
        waits = kind in {DEFERRED_MESSAGE, DEFERRED_UPDATE}
        interaction.acknowledged = Acknowledged.DEFERRED if waits else Acknowledged.RESPONDED

    def _create_original(self, interaction: Interaction, kind: int, data: Json, files: list[Upload]) -> None:
        message = self._blank(interaction, Flag(data.get("flags") or 0) & Flag.EPHEMERAL)
        if kind == DEFERRED_MESSAGE:
            message.flags |= Flag.LOADING
        else:
            self._fill(message, data, files)
        interaction.original = message
        self._publish(message)

    def follow_up(self, exchange: Exchange) -> object:
        """Another message; the first after a deferral becomes the deferred one and keeps its visibility."""
        interaction = self._live(exchange)
        body = exchange.body or {}
        check(body, exchange.files)
        waiting = interaction.original
        if waiting is not None and waiting.loading and waiting.deleted is None:
            self._fill(waiting, body, exchange.files)
            self.channels.events.message("MESSAGE_UPDATE", waiting)
            return message_payload(waiting)
        if interaction.install is Install.USER and len(interaction.followups) >= USER_INSTALL_FOLLOWUPS:
            raise TOO_MANY_FOLLOWUPS
        message = self._blank(interaction, Flag(body.get("flags") or 0) & Flag.EPHEMERAL)
        message.reference = interaction.original
        self._fill(message, body, exchange.files)
        interaction.followups.append(message)
        self._publish(message)
        return message_payload(message)

    def get(self, exchange: Exchange) -> Json:
        return message_payload(self._message(self._live(exchange), exchange))

    def patch(self, exchange: Exchange) -> Json:
        message = self._message(self._live(exchange), exchange)
        check(exchange.body or {}, exchange.files)
        self.channels.rewrite(message, exchange.body or {}, exchange.files)
        return message_payload(message)

    def delete(self, exchange: Exchange) -> object:
        self.channels.remove(self._message(self._live(exchange), exchange))
        return NO_CONTENT

    def _live(self, exchange: Exchange) -> Interaction:
        interaction = self.world.interactions.get(exchange.parameters["webhook_token"])
        if interaction is None or int(exchange.parameters["webhook_id"]) != self.world.application_id:
            raise UNKNOWN_WEBHOOK
        if interaction.acknowledged is Acknowledged.NOT:
            raise UNKNOWN_WEBHOOK
        if interaction.expired or now() - interaction.created > self.lifetimes.token:
            raise INVALID_TOKEN
        return interaction

    def _message(self, interaction: Interaction, exchange: Exchange) -> Message:
        wanted = exchange.parameters["message_id"]
        known = [interaction.original, *interaction.followups]
        message = (
            known[0]
            if wanted == ORIGINAL
            else next((each for each in known if each and str(each.id) == wanted), None)
        )
        if message is None or message.deleted is not None:
            raise UNKNOWN_MESSAGE
        return message

    def _blank(self, interaction: Interaction, flags: Flag) -> Message:
        return Message(
            self.world.mint(), interaction.channel, self.world.bot, flags=flags, interaction=interaction
        )

    def _fill(self, message: Message, body: Json, files: list[Upload]) -> None:
        write(
            self.world, message, body, [self.channels.cdn.keep(message.channel, upload) for upload in files]
        )

    def _publish(self, message: Message) -> None:
        message.channel.messages[message.id] = message
        self.channels.events.message("MESSAGE_CREATE", message)

    def _callback_payload(self, interaction: Interaction, kind: int) -> Json:
        message = interaction.original
        shown: Json = {"id": str(interaction.id), "type": int(interaction.kind)}
        resource: Json = {"type": kind}
        if message is not None:
            shown |= {
                "response_message_id": str(message.id),
                "response_message_loading": message.loading,
                "response_message_ephemeral": message.ephemeral,
            }
            resource["message"] = message_payload(message)
        return {"interaction": shown, "resource": resource}


def _checked_choices(data: Json) -> list[Json]:
    choices: list[Json] = data.get("choices") or []
    if len(choices) > CHOICES:
        raise invalid("BASE_TYPE_MAX_LENGTH", f"Must be {CHOICES} or fewer in length.", "data", "choices")
    for choice in choices:
        if not 1 <= len(choice["name"]) <= 100:
            raise invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", "data", "choices")
    return choices


def _checked_modal(data: Json) -> Json:
    if not 1 <= len(data.get("title") or "") <= 45:
        raise invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 45 in length.", "data", "title")
    if not 1 <= len(data.get("components") or []) <= 5:
        raise invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.", "data", "components")
    return data
