"""How many connections the process may have open at once.

An answer has up to three: its stream, the change of its message that is under way, a call of its provider.
Systems let a process begin with 1,024 open files (256 on macOS), which 400 answers at once use up, and let it
raise that itself.
"""

import resource

WANTED = 8_192
"""Open files; macOS takes no more than 10,240, whatever it says of its limit."""


def allow_many() -> None:
    """Raise the limit as far as is wanted and allowed; a higher one stays."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != soft < WANTED:
        most = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
