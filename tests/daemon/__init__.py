"""A daemon in miniature; see __main__.py."""
