"""Signed, forged and hostile files with the verdict that each must get. Built where it is needed, never stored."""
