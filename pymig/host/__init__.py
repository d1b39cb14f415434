"""What a host can do: memory, the facts of a host, and why something is missing there."""
