"""What is measured.

Each module here that defines ``rows()`` is a bench: ``python -m bench`` runs all of them and prints one
table, ``python -m bench NAME`` runs one. ``rows()`` returns a list of `bench.table.Row`, or is a coroutine
function that does.
"""
