"""What goes into a prompt from outside: files and channel history, read within bounds."""
