"""Discord's rules for what may be in a message, and the writing of messages by the bot."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.wire.discord_kinds import Flag
from tests.wire.discord_payloads import (
    ATTACHMENT_BYTES,
    MENTIONED_EVERYONE,
    MENTIONED_ROLE,
    MENTIONED_USER,
)
from tests.wire.discord_world import Attachment, Json, Message, Upload, Version, World, walk

CONTENT_UNITS = 2000
EMBEDS = 10
EMBED_CHARACTERS = 6000
FILES = 10
COMPONENTS = 40
ROWS = 5
CHOICES = 25
_PARTS_WITH_WIDTH = {2: 1, 3: 5, 5: 5, 6: 5, 7: 5, 8: 5}


@dataclass(eq=False)
class ApiError(Exception):
    """An answer that is not a success: HTTP status, Discord's code and message, and the fields at fault."""

    status: int
    code: int
    message: str
    errors: Json = field(default_factory=dict)

    def payload(self) -> Json:
        body: Json = {"message": self.message, "code": self.code}
        return body | {"errors": self.errors} if self.errors else body


def unknown(thing: str, code: int) -> ApiError:
    return ApiError(404, code, f"Unknown {thing}")


UNKNOWN_CHANNEL, UNKNOWN_MESSAGE = unknown("Channel", 10003), unknown("Message", 10008)
UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION = unknown("Webhook", 10015), unknown("interaction", 10062)
UNKNOWN_USER, UNKNOWN_GUILD = unknown("User", 10013), unknown("Guild", 10004)
UNAUTHORIZED = ApiError(401, 0, "401: Unauthorized")
MISSING_ACCESS = ApiError(403, 50001, "Missing Access")
MISSING_PERMISSIONS = ApiError(403, 50013, "Missing Permissions")
CANNOT_SEND = ApiError(403, 50007, "Cannot send messages to this user")
NOT_THE_AUTHOR = ApiError(403, 50005, "Cannot edit a message authored by another user")
EMPTY = ApiError(400, 50006, "Cannot send an empty message")
INVALID_TOKEN = ApiError(401, 50027, "Invalid Webhook Token")
ACKNOWLEDGED = ApiError(400, 40060, "Interaction has already been acknowledged.")
TOO_MANY_FOLLOWUPS = ApiError(400, 40094, "This interaction has hit the maximum number of follow up messages")
TOO_LARGE = ApiError(413, 40005, "Request entity too large")


def invalid(code: str, text: str, *path: str) -> ApiError:
    """Error 50035 with one fault at a path of the body."""
    errors: Json = {"_errors": [{"code": code, "message": text}]}
    for part in reversed(path):
        errors = {part: errors}
    return ApiError(400, 50035, "Invalid Form Body", errors)


def utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check(body: Json, files: list[Upload], *path: str) -> None:
    """Refuse what Discord refuses in any message body; ``path`` leads to the body in a callback.

    Content is counted in UTF-16 units before trimming: the strictest of the ways Discord could be counting.
    """
    content = body.get("content") or ""
    if utf16_units(content) > CONTENT_UNITS:
        raise invalid(
            "BASE_TYPE_MAX_LENGTH", f"Must be {CONTENT_UNITS} or fewer in length.", *path, "content"
        )
    _check_embeds(body.get("embeds") or [], path)
    _check_components(body.get("components") or [], path)
    if Flag.COMPONENTS_V2 & (body.get("flags") or 0) and content:
        raise invalid(
            "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not with components V2.", *path, "content"
        )
    if len(files) > FILES:
        raise invalid("BASE_TYPE_MAX_LENGTH", f"Must be {FILES} or fewer in length.", *path, "attachments")
    if any(len(upload.data) > ATTACHMENT_BYTES for upload in files):
        raise TOO_LARGE


def _check_embeds(embeds: list[Json], path: tuple[str, ...]) -> None:
    if len(embeds) > EMBEDS:
        raise invalid("BASE_TYPE_MAX_LENGTH", f"Must be {EMBEDS} or fewer in length.", *path, "embeds")
    if sum(_embed_characters(embed) for embed in embeds) > EMBED_CHARACTERS:
        raise invalid("MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000", *path, "embeds")


def _embed_characters(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [(embed.get("footer") or {}).get("text"), (embed.get("author") or {}).get("name")]
    for pair in embed.get("fields") or []:
        texts += [pair.get("name"), pair.get("value")]
    return sum(len(text or "") for text in texts)


def _check_components(components: list[Json], path: tuple[str, ...]) -> None:
    parts = list(walk(components))
    rows = [part for part in components if part.get("type") == 1]
    if len(parts) > COMPONENTS or (len(rows) == len(components) and len(rows) > ROWS):
        raise invalid("BASE_TYPE_BAD_LENGTH", "Too many components.", *path, "components")
    for row in rows:
        if not 1 <= sum(_PARTS_WITH_WIDTH.get(part["type"], 5) for part in row["components"]) <= 5:
            raise invalid(
                "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width", *path
            )
    custom_ids = Counter(part["custom_id"] for part in parts if "custom_id" in part)
    for custom_id, times in custom_ids.items():
        if not 1 <= len(custom_id) <= 100:
            raise invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.", *path, "components")
        if times > 1:
            raise invalid("COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated", *path)
    if any(len(part.get("options") or []) > CHOICES for part in parts):
        raise invalid("BASE_TYPE_BAD_LENGTH", "Must be between 1 and 25 in length.", *path, "components")


def write(world: World, message: Message, body: Json, attachments: list[Attachment]) -> None:
    """Put a checked body onto a message, new or old: only the keys that are there change.

    Raises:
        ApiError: Nothing would be left to see (50006); the message is then as it was.
    """
    content = (body.get("content") or "").strip() if "content" in body else message.content
    embeds = body.get("embeds") or [] if "embeds" in body else message.embeds
    components = body.get("components") or [] if "components" in body else message.components
    kept = message.attachments
    if "attachments" in body:
        kept_ids = {str(part.get("id")) for part in body["attachments"] or []}
        kept = [attachment for attachment in kept if str(attachment.id) in kept_ids]
    if not (content or embeds or components or kept or attachments):
        raise EMPTY
    message.content, message.embeds, message.components = content, embeds, components
    message.attachments = [*kept, *attachments]
    if body.get("flags") is not None:
        settable = Flag.SUPPRESS_EMBEDS | Flag.COMPONENTS_V2 | Flag.SUPPRESS_NOTIFICATIONS
        message.flags = (message.flags & ~settable) | (Flag(body["flags"]) & settable)
    message.flags &= ~Flag.LOADING
    allowed = body.get("allowed_mentions")
    message.allowed_mentions.append(allowed)
    message.pings += [ping for ping in pings(message, allowed) if ping not in message.pings]
    message.mentions = mentioned(world, message)
    if not message.versions or message.versions[-1].content != content:
        message.versions.append(Version(time.perf_counter(), content))


def mentioned(world: World, message: Message) -> list[Any]:
    """The people whom a message's text names, for the payload's ``mentions``."""
    named = dict.fromkeys(int(found) for found in MENTIONED_USER.findall(message.content))
    return [world.users[user_id] for user_id in named if user_id in world.users]


def pings(message: Message, allowed: Json | None) -> list[str]:
    """Whom a write would notify if it were a new message: strict, code spans and edits count too."""
    everyone = [found[0] for found in MENTIONED_EVERYONE.finditer(message.content)]
    users = MENTIONED_USER.findall(message.content)
    roles = MENTIONED_ROLE.findall(message.content)
    reply = ["reply"] if message.reference and message.reference.author is not message.author else []
    if allowed is not None:
        parse = allowed.get("parse") or []
        everyone = everyone if "everyone" in parse else []
        users = users if "users" in parse else _named(users, allowed.get("users"))
        roles = roles if "roles" in parse else _named(roles, allowed.get("roles"))
        reply = reply if allowed.get("replied_user") else []
    found = [
        *everyone,
        *(f"<@{user_id}>" for user_id in users),
        *(f"<@&{role_id}>" for role_id in roles),
        *reply,
    ]
    return list(dict.fromkeys(found))


def _named(ids: list[str], listed: list[Any] | None) -> list[str]:
    wanted = {str(subject_id) for subject_id in listed or []}
    return [subject_id for subject_id in ids if subject_id in wanted]
