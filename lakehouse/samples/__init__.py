"""Generated people in the formats of the real sources, the same by the same seed.

One person keeps one name, birth date and identifiers across walks, demographics, FHIR records, notes
and consent decisions. Nothing here is anyone's data.
"""

from lakehouse.samples.clinic_notes import write_notes_about
from lakehouse.samples.source_folder import write_sample

__all__ = ["write_notes_about", "write_sample"]
