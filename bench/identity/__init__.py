"""Figures of signing in, checking tokens and normalizing."""
