"""Contracts, made from what runs: the gateway's table of routes and the marshmallow schemas of the rooms."""
