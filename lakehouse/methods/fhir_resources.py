"""One row a FHIR resource of one type, its fields read by path.

`[transform_options] resource_type = "Condition"`. A column's `from` is a path into the resource
(`fhir_path`), or a column of the source. Only resources of that type are counted.
"""

import json

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.core.contract import DatasetContract
from lakehouse.errors import ContractError
from lakehouse.methods.context import MethodContext, Transformed
from lakehouse.methods.fhir_path import parse_path, read_path

PLACES = ("subject", "batch", "file", "row", "file_hmac")


def transform(rows: pa.Table, contract: DatasetContract, context: MethodContext) -> Transformed:
    """Return the resources of the wanted type; rows: `resource_type`, `resource` (JSON text), places.

    A resource that is no JSON object of that type is refused (`invalid_json`, `invalid_resource`).
    """
    del context
    kind = contract.transform_options.get("resource_type")
    if not isinstance(kind, str):
        raise ContractError(contract.file, "transform_options.resource_type", "must name a resource type")
    wanted = pc.indices_nonzero(pc.fill_null(pc.equal(rows.column("resource_type"), kind), False))
    chosen = rows.take(wanted)
    resources: list[object] = []
    rejected: list[tuple[int, str, str | None]] = []
    for place, text in zip(wanted.to_pylist(), chosen.column("resource").to_pylist(), strict=True):
        resource, reason = _parse_resource(text, kind)
        resources.append(resource)
        if reason is not None:
            rejected.append((place, reason, "resource"))
    sound = [place for place, resource in enumerate(resources) if resource is not None]
    kept = chosen.take(pa.array(sound, pa.int64()))
    return Transformed(
        rows=_field_columns(kept, [resources[place] for place in sound], contract), rejected=tuple(rejected)
    )


def _parse_resource(text: str | None, kind: str) -> tuple[object, str | None]:
    try:
        resource = json.loads(text or "")
    except (ValueError, RecursionError):
        return None, "invalid_json"
    if not isinstance(resource, dict) or resource.get("resourceType") != kind:
        return None, "invalid_resource"
    return resource, None


def _field_columns(rows: pa.Table, resources: list[object], contract: DatasetContract) -> pa.Table:
    fields = rows.select([name for name in PLACES if name in rows.column_names])
    for column in contract.columns:
        path = column.source
        if path in fields.column_names:
            continue
        if path in rows.column_names:
            fields = fields.append_column(path, rows.column(path))
            continue
        parse_path(path)
        values = [read_path(resource, path) for resource in resources]
        fields = fields.append_column(path, pa.array(values, pa.string()))
    return fields
