"""A proposed bronze contract as TOML text: what a person reads, edits and keeps."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil, floor

from lakehouse.core.column_classifier import NUMERIC, ColumnProposal
from lakehouse.core.contract import ColumnType, Sensitivity

EDIT = "# EDIT:"
SHARE_MARGIN = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractProposal:
    """A file's proposed contract; `files` is the shell pattern of its name, never the name itself."""

    name: str
    format: str
    columns: tuple[ColumnProposal, ...]
    rows: int
    files: str
    format_options: Mapping[str, object] = field(default_factory=dict)

    @property
    def subject(self) -> ColumnProposal | None:
        """The column that says whose row it is."""
        return next((column for column in self.columns if column.handling == "pseudonymise"), None)


def render_proposal(proposal: ContractProposal) -> str:
    """Return the TOML text; it parses as it stands, and `# EDIT:` marks what only a person knows."""
    lines = [*_head(proposal), *_subject(proposal)]
    for column in proposal.columns:
        lines += ["", *_column(column)]
    for column in proposal.columns:
        lines += _checks(column)
    return "\n".join(lines) + "\n"


def _head(proposal: ContractProposal) -> Iterator[str]:
    yield f"# Proposed from one file of {_rounded(proposal.rows)} rows. Read each reason; nothing is decided."
    yield 'layer = "bronze"'
    yield f"name = {_text(proposal.name)}"
    yield f"title = {_text(proposal.name.replace('_', ' ').capitalize())}  {EDIT} what it is, for people"
    yield f'description = ""  {EDIT} who measured what, under which licence'
    yield "revision = 1"
    yield f"format = {_text(proposal.format)}"
    if proposal.format_options:
        yield f"format_options = {_table(proposal.format_options)}"
    yield f"folder = {_text(proposal.name)}  {EDIT} the publisher's folder"
    yield f"files = [{_text(proposal.files)}]"
    yield f'grain = "one row"  {EDIT} one row of what'
    yield f"keys = []  {EDIT} what tells two rows apart"
    yield f"population = {_text(proposal.name)}  {EDIT} data sets that share people share a population"
    yield f'purposes = ["research"]  {EDIT} the policy names them'
    yield f"retention_days = 3650  {EDIT} how long it may be kept"


def _subject(proposal: ContractProposal) -> Iterator[str]:
    yield ""
    if proposal.subject is None:
        yield f"{EDIT} no column says whose row it is; without [subject] nobody's rows can be found or erased"
        return
    yield "[subject]"
    yield f"column = {_text(proposal.subject.profile.name)}"
    yield f"system = {_text(proposal.name)}  {EDIT} whose identifiers these are"


def _column(column: ColumnProposal) -> Iterator[str]:
    profile = column.profile
    yield "[[column]]"
    yield f"name = {_text(profile.name)}"
    if profile.source != profile.name:
        yield f"source = {_text(profile.source)}"
    yield f"type = {_text(_stored_type(column))}"
    if column.unit:
        yield f"unit = {_text(column.unit)}  {EDIT} by header and range; confirm"
    yield f"sensitivity = {_text(column.sensitivity.value)}  # {'; '.join(column.reasons)}"
    if column.handling != "keep":
        yield f"handling = {_text(column.handling)}"
    if not profile.nulls and profile.rows:
        yield "nullable = false"
    if profile.null_values:
        yield f"null_values = {_texts(('', *profile.null_values))}"
    yield from _limits(column)
    if profile.shapes and column.sensitivity is not Sensitivity.FREE_TEXT:
        yield f"# shapes: {', '.join(profile.shapes)}"


def _limits(column: ColumnProposal) -> Iterator[str]:
    profile = column.profile
    if column.handling == "pseudonymise" and profile.pattern:
        yield f"id_pattern = {_text(profile.pattern)}  {EDIT} what an identifier must look like, in full"
    elif column.handling == "keep" and profile.type is ColumnType.TEXT and profile.categories:
        yield f"allowed = {_texts(profile.categories)}"
    elif profile.type in NUMERIC and column.handling == "keep" and profile.highest is not None:
        whole = profile.type is ColumnType.INTEGER
        lowest, highest = profile.lowest or 0.0, profile.highest
        yield f"minimum = {_number(floor(lowest) if whole else lowest)}"
        yield f"maximum = {_number(ceil(highest) if whole else highest)}"


def _stored_type(column: ColumnProposal) -> str:
    """Identifiers are text whatever they look like: 007 is not 7."""
    identifies = column.sensitivity is Sensitivity.DIRECT
    return ColumnType.TEXT.value if identifies else column.profile.type.value


def _checks(column: ColumnProposal) -> Iterator[str]:
    profile = column.profile
    if column.handling != "keep" or not profile.rows:
        return
    if not profile.nulls:
        yield from ("", "[[check]]", 'expect = "expect_column_values_to_not_be_null"')
        yield f"column = {_text(profile.name)}"
        return
    share = max(0.0, profile.filled / profile.rows - SHARE_MARGIN)
    if share > SHARE_MARGIN:
        yield from ("", "[[check]]", 'expect = "expect_column_proportion_of_non_null_values_to_be_between"')
        yield f"column = {_text(profile.name)}"
        yield f"min_value = {share:.2f}"


def _rounded(count: int) -> str:
    return f"about {5 * round(count / 5)}" if count >= 5 else "fewer than 5"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _texts(values: Sequence[str]) -> str:
    return f"[{', '.join(_text(value) for value in values)}]"


def _table(values: Mapping[str, object]) -> str:
    shown = (
        f"{key} = {str(v).lower() if isinstance(v, bool) else _text(str(v))}" for key, v in values.items()
    )
    return f"{{ {', '.join(shown)} }}"
