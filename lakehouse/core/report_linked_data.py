"""A report for machines: JSON-LD in terms of W3C PROV-O and the Data Privacy Vocabulary.

https://www.w3.org/TR/prov-o/ and https://w3id.org/dpv. The context stands in the document: nothing
is fetched to read it. Identifiers are URNs of the log, `urn:livinglab:<origin>:leaf:<index>`.
"""

from collections.abc import Mapping, Sequence

from lakehouse.core.contract import DatasetContract, Layer
from lakehouse.core.report_sources import SiteFacts, TableFacts, VersionFacts

Node = dict[str, object]

CONTEXT: Mapping[str, object] = {
    "prov": "http://www.w3.org/ns/prov#",
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "lab": "urn:livinglab:term:",
    "prov:wasDerivedFrom": {"@type": "@id"},
    "prov:wasGeneratedBy": {"@type": "@id"},
    "prov:generatedAtTime": {"@type": "xsd:dateTime"},
    "dpv:hasTechnicalMeasure": {"@type": "@id"},
    "dpv:hasProcessing": {"@type": "@id"},
}

MEASURES: Mapping[Layer, tuple[str, ...]] = {
    Layer.BRONZE: ("dpv:Pseudonymisation", "dpv:Encryption", "dpv:DigitalSignatures"),
    Layer.SILVER: ("dpv:Pseudonymisation", "dpv:DigitalSignatures"),
    Layer.GOLD: ("dpv:Anonymisation", "dpv:DigitalSignatures"),
}


def table_linked_data(table: TableFacts) -> Mapping[str, object]:
    """Return the JSON-LD of a report on one version."""
    site = table.site
    privacy = {
        "k": "lab:kAnonymity",
        "l": "lab:lDiversity",
        "t": "lab:tCloseness",
        "state": "lab:releaseState",
    }
    released = {term: table.release[name] for name, term in privacy.items()} if table.release else {}
    graph = [
        {**_version_node(site, table.version), **_purpose_node(site, table.contract), **released},
        *(_version_node(site, own, hide_rows=table.public) for own in table.ancestry.values()),
        _activity_node(site, table.version),
        _log_node(site),
    ]
    return {"@context": CONTEXT, "@graph": graph}


def versions_linked_data(site: SiteFacts, versions: Sequence[VersionFacts]) -> Mapping[str, object]:
    """Return the JSON-LD of a report on several versions."""
    graph = [*(_version_node(site, own) for own in versions), _log_node(site)]
    return {"@context": CONTEXT, "@graph": graph}


def _urn(site: SiteFacts, kind: str, name: object) -> str:
    return f"urn:livinglab:{site.head.origin.rpartition('/')[2]}:{kind}:{name}"


def _version_node(site: SiteFacts, version: VersionFacts, *, hide_rows: bool = False) -> Node:
    rows: Node = {} if hide_rows else {"lab:rows": version.rows}
    return {
        "@id": _urn(site, "leaf", version.leaf),
        "@type": "prov:Entity",
        "dct:title": version.label,
        "prov:generatedAtTime": version.row["created_at"],
        "prov:wasDerivedFrom": [_urn(site, "leaf", leaf) for leaf in version.inputs],
        "prov:wasGeneratedBy": _urn(site, "intent", version.row["intent_id"]),
        **rows,
        "lab:fileDigest": version.row["file_digest"],
        "lab:contentDigest": version.row["content_digest"],
    }


def _purpose_node(site: SiteFacts, contract: DatasetContract) -> Node:
    purposes = [site.policy.purposes[name] for name in contract.purposes if name in site.policy.purposes]
    return {
        "dct:description": contract.description,
        "dpv:hasPurpose": [{"@type": "dpv:Purpose", "rdfs:label": purpose.title} for purpose in purposes],
        "dpv:hasLegalBasis": [
            {"@type": "dpv:LegalBasis", "rdfs:label": purpose.legal_basis} for purpose in purposes
        ],
        "dpv:hasTechnicalMeasure": list(MEASURES[contract.layer]),
        "dpv:hasStorageCondition": {
            "@type": "dpv:StorageDuration",
            "rdfs:label": f"{contract.retention_days} days",
        },
    }


def _activity_node(site: SiteFacts, version: VersionFacts) -> Node:
    actor = version.detail("actor") or {}
    return {
        "@id": _urn(site, "intent", version.row["intent_id"]),
        "@type": "prov:Activity",
        "dct:type": version.row["kind"],
        "lab:run": version.detail("run"),
        "lab:codeVersion": version.record.get("code_version"),
        "lab:policyDigest": version.record.get("policy_digest"),
        "prov:wasAssociatedWith": {"@type": "prov:Agent", "rdfs:label": actor.get("name")},
    }


def _log_node(site: SiteFacts) -> Node:
    return {
        "@id": _urn(site, "checkpoint", site.head.size),
        "@type": "prov:Entity",
        "dct:title": "signed checkpoint of the log",
        "lab:origin": site.head.origin,
        "lab:size": site.head.size,
        "lab:root": site.head.root,
        "lab:note": site.head.note,
    }
