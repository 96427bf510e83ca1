"""Anonymisation methods, one file each, found by name (`methods.find_method`)."""
