"""Drills: what happens to a home that is killed, failed or tampered with. `make drills` runs all of them."""
