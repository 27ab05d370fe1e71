"""Figures of checking signatures."""
