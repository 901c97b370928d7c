"""Which models there are, and what runs them."""
