"""FHIR R4: whom a resource is about, what names them, what is set aside."""

import json
from collections import Counter

import pytest
from contract_samples import input_file, shipped

from lakehouse.readers import fhir_bundle, read_files

EHR = shipped("bronze.ehr")

ADA = {
    "resourceType": "Patient",
    "id": "ada-1",
    "identifier": [
        {"system": "urn:livinglab:gaitpdb", "value": "GaPt03"},
        {"system": "http://hospital.example.org", "value": "MRN-77"},
    ],
    "name": [{"family": "Lovelace", "given": ["Ada", "King"]}],
    "telecom": [{"system": "phone", "value": "555-0100"}, {"system": "email", "value": "ada@example.org"}],
    "address": [{"line": ["12 Main Street"], "city": "Springfield", "postalCode": "01101"}],
}


def condition(reference="urn:uuid:ada-1", **changes):
    own = {"resourceType": "Condition", "id": "c1", "subject": {"reference": reference}}
    return {**own, "code": {"text": "Hypertension"}, **changes}


def bundle(*resources):
    entries = [{"fullUrl": f"urn:uuid:{one.get('id')}", "resource": one} for one in resources]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()


def read(*resources):
    return fhir_bundle.read(input_file(bundle(*resources), "x.json"), EHR)


def reasons_of(found):
    return [(row.row, row.reason) for row in found.rejected]


def test_resources_stay_whole_and_name_their_patient():
    found = read(ADA, condition())
    assert found.rows["row"].to_pylist() == [1, 2]
    assert found.rows["person_id"].to_pylist() == ["ada-1", "ada-1"]
    assert found.rows["resource_type"].to_pylist() == ["Patient", "Condition"]
    assert json.loads(found.rows["resource"][1].as_py()) == condition()


def test_a_patient_s_own_id_is_the_clinic_s_where_the_record_states_none():
    links = read(ADA, condition()).rows["links"].to_pylist()
    assert links == [
        [{"system": "gaitpdb", "value": "GaPt03"}, {"system": "clinic", "value": "ada-1"}],
        None,
    ]
    stated = {**ADA, "identifier": [{"system": "urn:livinglab:clinic", "value": "C-7"}]}
    assert read(stated).rows["links"].to_pylist() == [[{"system": "clinic", "value": "C-7"}]]


def test_everything_that_names_a_patient_is_handed_on():
    found = {(one.kind, one.value) for one in read(ADA).identifiers}
    assert found == {
        ("name", "Ada"),
        ("name", "King"),
        ("name", "Lovelace"),
        ("name", "Ada King Lovelace"),
        ("name", "Ada Lovelace"),
        ("identifier", "GaPt03"),
        ("identifier", "MRN-77"),
        ("phone", "555-0100"),
        ("email", "ada@example.org"),
        ("address", "12 Main Street"),
        ("address", "Springfield"),
        ("address", "01101"),
    }


CONTAINED = {"resourceType": "Patient", "id": "p", "identifier": ADA["identifier"][1:]}


@pytest.mark.parametrize(
    "resource",
    [
        condition("urn:uuid:ada-1"),
        condition("Patient/ada-1"),
        condition("Patient/ada-1/_history/3"),
        condition("#p", contained=[CONTAINED]),
    ],
)
def test_a_reference_is_resolved_to_the_patient_of_the_bundle(resource):
    assert read(ADA, resource).rows["person_id"].to_pylist() == ["ada-1", "ada-1"]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (condition("urn:uuid:someone-else"), "broken_reference"),
        (condition("Patient/ada-2"), "broken_reference"),
        (condition("#q", contained=[CONTAINED]), "broken_reference"),
        (condition("#p", contained=[{"resourceType": "Patient", "id": "p"}]), "broken_reference"),
        (condition(subject={"display": "somebody"}), "broken_reference"),
        (condition(code=5), "invalid_resource"),
        (condition(onsetDateTime="yesterday"), "invalid_resource"),
        (condition(surprise=True), "invalid_resource"),
        (condition(code={"text": "\ud83d"}), "bad_encoding"),
        ({"resourceType": "Claim", "id": "x"}, "not_in_contract"),
        ({"resourceType": "Nonsense"}, "not_in_contract"),
        ({"id": "x"}, "invalid_resource"),
    ],
)
def test_each_resource_that_fails_has_its_reason(resource, reason):
    found = read(ADA, resource)
    assert reasons_of(found) == [(2, reason)]
    assert (len(found.rows), found.received) == (1, 2)


def test_an_observation_about_nobody_has_no_person():
    nobody = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    assert reasons_of(read(ADA, nobody)) == [(2, "no_person")]


@pytest.mark.parametrize(
    "patient",
    [
        {**ADA, "identifier": [{"system": "urn:livinglab:gaitpdb", "value": "gapt03"}]},
        {**ADA, "identifier": [{"system": "urn:livinglab:gaitpdb", "value": "GaPt03 "}]},
    ],
)
def test_a_linked_identifier_that_is_not_canonical_is_never_merged(patient):
    assert reasons_of(read(patient)) == [(1, "id_not_canonical")]


def test_a_resource_that_comes_twice_is_a_duplicate_row():
    assert reasons_of(read(ADA, condition(), condition())) == [(3, "duplicate_row")]


def test_what_nobody_reads_still_says_whose_it_is():
    claim = {"resourceType": "Claim", "patient": {"reference": "urn:uuid:ada-1"}}
    (row,) = read(ADA, claim).rejected
    assert (row.reason, row.person_id, row.system) == ("not_in_contract", "ada-1", "fhir")


def test_ndjson_reads_a_resource_a_line():
    lines = [json.dumps(ADA).encode(), b"{", b"", json.dumps(condition("Patient/ada-1")).encode()]
    found = fhir_bundle.read(input_file(b"\n".join(lines), "x.ndjson"), EHR)
    assert reasons_of(found) == [(2, "invalid_json"), (3, "empty_line")]
    assert found.rows["person_id"].to_pylist() == ["ada-1", "ada-1"]


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"42", bundle(ADA)[:-40], json.dumps(json.loads(bundle(ADA)), indent=1).encode()[:-30]],
)
def test_a_file_without_resources_is_unreadable(data):
    found = fhir_bundle.read(input_file(data, "x.json"), EHR)
    assert (found.received, reasons_of(found)) == (1, [(None, "unreadable_file")])


def test_a_bundle_in_another_encoding_is_said_to_be_one():
    found = fhir_bundle.read(input_file(bundle({**ADA, "id": "x"}).replace(b"Ada", b"Ad\xe9")), EHR)
    assert reasons_of(found) == [(None, "bad_encoding")]


def test_an_entry_without_resource_is_an_invalid_resource():
    data = json.dumps({"resourceType": "Bundle", "entry": [{"request": {}}, 7]}).encode()
    found = fhir_bundle.read(input_file(data), EHR)
    assert reasons_of(found) == [(1, "invalid_resource"), (2, "invalid_resource")]


def test_the_real_bundles_read_whole(shared_data):
    found = list(read_files([shared_data / "synthea_fhir_r4"], EHR))
    reasons = Counter(row.reason for one in found for row in one.rejected)
    assert (len(found), sum(one.received for one in found)) == (20, 3064)
    assert sum(len(one.rows) for one in found) == 20 + 93 + 1456 + 274
    assert reasons == {"not_in_contract": 1221}
