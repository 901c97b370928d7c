"""Stand-ins that speak Discord and Replicate over real sockets on 127.0.0.1."""
