"""Two ends of a migration: what each is, what is planned, and what will happen."""
