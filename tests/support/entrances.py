"""The ways in which words of people come into prompts: declared here, and tested against the code."""

PROMPTS = ("bot.reading", "bot.plans", "bot.prompts")
"""Where prompts are made of what comes from outside."""

WRITTEN = {
    ("User", "display_name"): "name",
    ("Member", "display_name"): "name",
    ("Message", "content"): "message",
    ("Message", "clean_content"): "message",
    ("Attachment", "filename"): "file name",
    ("StickerItem", "name"): "sticker",
    ("Poll", "question"): "poll question",
    ("PollAnswer", "text"): "poll answer",
    ("MessageSnapshot", "content"): "forwarded",
    ("Embed", "title"): "embed title",
    ("Embed", "description"): "embed description",
}
"""What is read of Discord's objects and people write, and what tests/wire/test_injection.py calls it: there,
each has to be seen in a prompt.
"""
HOLDING = {
    *(("Message", name) for name in ("attachments", "stickers", "poll", "message_snapshots", "embeds")),
    *(("Message", name) for name in ("author", "reference", "components")),
    *(("Poll", "answers"), ("MessageReference", "resolved")),
}
"""What is read and has no words itself, only things that do; of components, whether there are any."""
NOT_WRITTEN = {
    *(("Message", name) for name in ("type", "created_at", "is_system")),
    *(
        ("Permissions", name)
        for name in ("view_channel", "read_message_history", "connect", "manage_threads")
    ),
    *(("Client", name) for name in ("user", "intents", "get_guild", "fetch_guild")),
    *(("Client", "get_partial_messageable"), ("Intents", "message_content"), ("ClientUser", "id")),
    *(("Guild", name) for name in ("unavailable", "get_channel_or_thread", "fetch_channel")),
    *(("Guild", name) for name in ("get_member", "fetch_member")),
    *((kind, name) for kind in ("GuildChannel", "Thread") for name in ("id", "guild")),
    *(("Thread", name) for name in ("is_private", "fetch_member", "parent", "parent_id")),
    *(
        (f"{kind}Channel", "permissions_for")
        for kind in ("Guild", "Text", "Voice", "Stage", "Forum", "Category")
    ),
    *(("Messageable", "history"), ("Member", "id"), ("Member", "guild")),
}
"""What is read and nobody writes: kinds, times, ids and rights."""
