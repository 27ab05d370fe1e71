"""Measurements, as ratios against a baseline of the same run. Run them with ./motcua bench."""
