"""What to do with a file that does not fit into a memory."""
