"""Many ends at once: who can go where, and why not."""
