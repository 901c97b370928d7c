"""``python -m bot``: Ctrl-C ends it without a word, also while it is still being loaded."""

import sys

try:
    from bot.command_line import main
except KeyboardInterrupt:
    sys.exit(130)

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
