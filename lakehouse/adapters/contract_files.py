"""Contract and policy files on disk: `expectations/`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from lakehouse.core.contract import Contracts, DatasetContract, Layer
from lakehouse.core.contract_parsing import KnownNames, build_contracts, check_names, parse_contract
from lakehouse.core.policy import PrivacyPolicy, parse_policy
from lakehouse.errors import ContractError


def load_contracts(folder: Path, *, known: KnownNames | None = None) -> Contracts:
    """Return every contract under `folder`/{bronze,silver,gold}.

    folder: usually `expectations/`. known: names of the site's readers, methods and transforms;
    with it, a contract that names another one is refused here and not in the middle of a run.

    Raises:
        ContractError: a file is not TOML, or says something that is not known.
    """
    contracts = build_contracts(
        _load_contract(path, layer) for layer in Layer for path in sorted((folder / layer).glob("*.toml"))
    )
    if known is not None:
        check_names(contracts, known)
    return contracts


def load_policy(folder: Path, name: str) -> PrivacyPolicy:
    """Return the policy `folder`/policies/<name>.toml.

    Raises:
        ContractError: there is no such policy, or it says something that is not known.
    """
    policies = {path.stem: path for path in sorted((folder / "policies").glob("*.toml"))}
    if name not in policies:
        raise ContractError("policies", name, "there is no such policy", allowed=tuple(policies))
    return parse_policy(_read_toml(policies[name]), _short_name(policies[name]))


def _load_contract(path: Path, layer: Layer) -> DatasetContract:
    data = _read_toml(path)
    file = _short_name(path)
    for key, expected in (("layer", str(layer)), ("name", path.stem)):
        if data.get(key) != expected:
            raise ContractError(file, key, "does not agree with the place of the file", allowed=(expected,))
    return parse_contract(data, file, _read_sql(path, layer))


def _read_sql(path: Path, layer: Layer) -> str | None:
    if layer is not Layer.GOLD:
        return None
    beside = path.with_suffix(".sql")
    if not beside.is_file():
        raise ContractError(_short_name(path), "sql", f"{beside.name} is missing beside it")
    return beside.read_text(encoding="utf-8")


def _read_toml(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ContractError(_short_name(path), "(top)", f"is not TOML: {problem}") from problem


def _short_name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
