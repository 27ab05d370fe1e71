"""Containers: one image for all rooms, what they need made once, and whether one is well."""
