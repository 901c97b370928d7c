"""The bot in a simulated Discord, in a browser, without an account.

Importing this package needs nothing that production has not: the simulation is loaded when the demo starts.
"""

import asyncio

from bot.demo.options import DemoOptions, Place
from bot.errors import ConfigError

__all__ = ["DemoOptions", "Place", "run_demo"]


def run_demo(options: DemoOptions) -> int:
    """Serve the demo until Ctrl-C or SIGTERM; returns the exit code.

    Raises:
        ConfigError: a setting is wrong, the port is taken, or the demo's packages are not installed.
    """
    try:
        from bot.demo.session import session
    except ModuleNotFoundError as error:
        raise ConfigError(
            (f"The demo needs the package {error.name}, which comes with `make demo`: run that.",)
        ) from error
    try:
        return asyncio.run(session(options))
    except OSError as error:
        if not options.port:
            raise
        raise ConfigError(
            (f"--port wants a port that is free, or nothing for any: {options.port} cannot be used.",)
        ) from error
