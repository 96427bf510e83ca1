"""Notes of three languages from landing to silver: each read by its own model, or not at all."""

import json

import pytest

FRENCH = (
    "Mme LEGRAND Ludivine, née le 12 mars 1952, IPP : 8012939402, domiciliée "
    "au 12 rue de Belleville, 75020 Paris. Vue par le Dr M. Rousset le 03/04/2021, "
    "tél 01 42 21 32 74. Marche sans aide."
)
ENGLISH = "Mrs Conroy was seen by Dr. Okonkwo on 2021-04-03; MRN: 4471923. Walks without aid."
GERMAN = "Frau Lindqvist kam am 3. April 2021 zur Kontrolle."
GONE = (
    "LEGRAND",
    "Ludivine",
    "12 mars 1952",
    "8012939402",
    "Belleville",
    "75020",
    "Paris",
    "Rousset",
    "01 42 21 32 74",
)
GONE += ("Conroy", "Okonkwo", "4471923", "Lindqvist")


def notes(folder):
    texts = {"fr": FRENCH, "en": ENGLISH, "de": GERMAN, None: ENGLISH}
    lines = [
        {"note_id": f"n{number}", "person_id": f"C-{number}", "written_at": "2021-04-03T10:00:00Z"}
        | {"author": "Nurse Sousa", "language": language, "text": text}
        for number, (language, text) in enumerate(texts.items())
    ]
    path = folder / "notes.jsonl"
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
    return path


@pytest.mark.spark
def test_each_note_is_read_in_its_language_or_set_aside(tmp_path, open_home):
    """French and English without people, dates moved; no model for German, none for no language."""
    from lakehouse.pipeline.land import land
    from lakehouse.pipeline.refine import refine

    site = open_home()
    landed = land(site, "clinic_notes", [notes(tmp_path)])
    assert (landed.received, landed.accepted) == (4, 4)
    refined = next(made for made in refine(site, "clinic_notes") if made.table == "silver.clinic_notes")
    assert (refined.rows, refined.reasons) == (2, {"language_not_supported": 2})
    rows = site.lake.read("silver.clinic_notes", refined.version)
    by_language = dict(zip(*(rows.column(name).to_pylist() for name in ("language", "text")), strict=True))
    assert set(by_language) == {"en", "fr"}
    assert not [word for word in GONE if any(word in text for text in by_language.values())]
    assert "<PERSON>" in by_language["fr"]
    assert "Marche sans aide." in by_language["fr"]
    assert "Walks without aid." in by_language["en"]
    assert "03/04/2021" not in by_language["fr"]
