#!/bin/sh
# Makes .venv and installs one locked set into it: sh tools/bootstrap.sh prod|demo|dev
# Called by make, which keeps the caches inside the checkout. PYTHON=... says which Python to use.
set -eu
cd "$(dirname "$0")/.."
set_name=${1:?"which set: prod, demo or dev"}

say() { printf '%s\n' "$*"; }

# Sets `python` to the first Python that is new enough and can make environments; ends with one sentence if none is.
find_python() {
    old='' bare=''
    for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
        if [ "${version%%.*}" -ne 3 ] || [ "${version#*.}" -lt 11 ]; then
            old=${old:-$version}
        elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            bare=${bare:-$version}
        else
            return 0
        fi
    done
    if [ -n "$bare" ]; then
        say "Python $bare is here without its venv module: install that (on Debian and Ubuntu: apt-get install python$bare-venv) and try again." >&2
    elif [ -n "$old" ]; then
        say "Parlance needs Python 3.11 or newer and found only $old: install a newer one, or name it with PYTHON=/path/to/python3." >&2
    else
        say "Parlance needs Python 3.11 or newer and found none: install it, or name it with PYTHON=/path/to/python3." >&2
    fi
    exit 1
}

# Installs the lock named, with uv for speed, or with pip where uv cannot be had or fails.
install() {
    lock=requirements/$1.txt
    shift
    say "Installing $lock ..."
    if [ -x .venv/bin/uv ] && .venv/bin/uv pip install --python .venv/bin/python --require-hashes "$@" -r "$lock"; then
        return 0
    fi
    say "Installing $lock with pip, which takes longer ..."
    .venv/bin/python -m pip install --disable-pip-version-check --require-hashes "$@" -r "$lock"
}

if ! .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    find_python
    say "Making .venv with Python $version ..."
    "$python" -m venv --clear .venv
fi
if [ ! -x .venv/bin/uv ]; then
    say "Installing requirements/tool.txt ..."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tool.txt ||
        say "uv is not to be had here: going on with pip."
fi
install "$set_name"
if [ "$set_name" != prod ]; then
    install model --no-deps
fi
touch ".venv/.stamp-$set_name"
