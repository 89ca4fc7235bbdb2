"""Calls to servers of others: the one way out, what came back, and signatures. No Django, no database."""
