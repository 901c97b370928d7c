"""Parlance's engine: models, money, text and storage, and the one path every answer takes."""
