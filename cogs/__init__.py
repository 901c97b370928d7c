"""What Discord shows of the bot: one file a command family, with no logic of its own."""
