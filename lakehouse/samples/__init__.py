"""Generated people in the formats of the real sources, the same by the same seed.

One person keeps one name, birth date and identifiers across walks, demographics, FHIR records, notes
and consent decisions. Nothing here is anyone's data.
"""
