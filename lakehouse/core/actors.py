"""Who acts, and what their roles let them do (PROTOCOLS section 6).

A site file maps accounts of the operating system to names, and names to roles:

    [actors.roles]                 # a name and its roles
    engineer = ["engineer"]
    [actors.accounts]              # an account and the names it may act under
    "@owner" = ["engineer"]        # "@owner" is whoever owns the home folder

On one account roles are a convention: the boundary is file modes and separate accounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from lakehouse.errors import ContractError, NotAllowed

OWNER = "@owner"

Authentication = Literal["os", "airflow", "token"]


class Role(StrEnum):
    """What a person is here to do."""

    ENGINEER = "engineer"
    ANALYST = "analyst"
    DPO = "dpo"
    AUDITOR = "auditor"


EVERYONE = frozenset(Role)
_ENGINEER = frozenset({Role.ENGINEER})
_DPO = frozenset({Role.DPO})
_ASKING = frozenset({Role.ANALYST, Role.DPO})
_REVIEWING = frozenset({Role.ENGINEER, Role.DPO, Role.AUDITOR})

PERMISSIONS: Mapping[str, frozenset[Role]] = {
    "demo": _ENGINEER,
    "land": _ENGINEER,
    "refine": _ENGINEER,
    "publish": _ENGINEER,
    "train": _ENGINEER,
    "optimise": _ENGINEER,
    "backup": _ENGINEER,
    "restore": _ENGINEER,
    "upgrade": _ENGINEER,
    "move_stores": _ENGINEER,
    "quarantine": frozenset({Role.ENGINEER, Role.DPO}),
    "retire": frozenset({Role.ENGINEER, Role.DPO}),
    "ask": _ASKING,
    "predict": _ASKING,
    "query": _ASKING,
    "superseded": _DPO,
    "decide": _DPO,
    "approve": _DPO,
    "reject": _DPO,
    "withdraw": _DPO,
    "access": _DPO,
    "consent": _DPO,
    "cosign": frozenset({Role.ENGINEER, Role.DPO}),
    "renew_trust": frozenset({Role.ENGINEER, Role.DPO}),
    "receipts": _DPO,
    "openings": frozenset({Role.DPO, Role.AUDITOR}),
    "fsck": _REVIEWING,
    "log": _REVIEWING,
    "metrics": _REVIEWING,
    "report": _REVIEWING,
    "prove": EVERYONE,
    "trust": EVERYONE,
    "budget": EVERYONE,
    "describe": EVERYONE,
    "models": EVERYONE,
    "releases": EVERYONE,
    "status": EVERYONE,
    "tables": EVERYONE,
}
"""The roles of which an actor needs one, by verb. `superseded`: query an earlier release;
`openings`: a proof bundle with the opening of a private digest; `receipts`: a person's own rows with the
key that recomputes their digests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a name, its roles, and what vouched for it.

    `account` is the account behind a name chosen with `--as`; None where they are the same.
    """

    name: str
    roles: frozenset[Role]
    authenticated: Authentication
    account: str | None = None

    def may(self, verb: str) -> bool:
        """Whether one of the roles covers the verb. KeyError: no such verb."""
        return bool(self.roles & PERMISSIONS[verb])

    def require(self, verb: str) -> Self:
        """Return the actor; NotAllowed where no role covers the verb."""
        if self.may(verb):
            return self
        needed = _or_list(PERMISSIONS[verb])
        held = ", ".join(sorted(self.roles)) or "no role"
        raise NotAllowed(
            f"{verb!r} needs the role {needed}; {self.name} has {held}",
            remedy="act with --as under a name of that role, or ask who keeps the site file",
            verb=verb,
            needed=sorted(PERMISSIONS[verb]),
        )

    def as_json(self) -> dict[str, object]:
        """Return the fields that records keep: who, and how they were authenticated."""
        return {
            "name": self.name,
            "roles": sorted(self.roles),
            "authenticated": self.authenticated,
            "account": self.account,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorMap:
    """`[actors]` of a site file: the roles of each name, the names of each account."""

    roles: Mapping[str, frozenset[Role]]
    accounts: Mapping[str, tuple[str, ...]]

    def names_of(self, account: str, owner: str | None) -> tuple[str, ...]:
        """Return the names an account may act under; `owner` is the account that owns the home."""
        own = self.accounts.get(account, ())
        return tuple(dict.fromkeys((*own, *(self.accounts.get(OWNER, ()) if account == owner else ()))))


DEFAULT_ACTORS = ActorMap(
    roles={str(role): frozenset({role}) for role in Role},
    accounts={OWNER: tuple(map(str, Role))},
)


def parse_actors(section: Mapping[str, object] | None, file: str) -> ActorMap:
    """Read `[actors]` of a site file; without one, the owner of the home has a name for each role.

    Raises ContractError naming file, key and what is allowed.
    """
    if section is None:
        return DEFAULT_ACTORS
    for key in section:
        if key not in {"roles", "accounts"}:
            raise ContractError(file, f"actors.{key}", "unknown key", allowed=("roles", "accounts"))
    roles = {
        name: frozenset(_role(role, file, name) for role in _names(listed, file, f"actors.roles.{name}"))
        for name, listed in _table(section, "roles", file).items()
    }
    accounts = {
        account: _known(_names(listed, file, f"actors.accounts.{account}"), roles, file, account)
        for account, listed in _table(section, "accounts", file).items()
    }
    return ActorMap(roles=roles, accounts=accounts)


def resolve_actor(
    actors: ActorMap,
    account: str,
    as_name: str | None = None,
    *,
    owner: str | None = None,
    authenticated: Authentication = "os",
) -> Actor:
    """Return who acts. Without `as_name`, the account with the roles of all its names.

    `owner` is the account that owns the home folder. NotAllowed for an account without a name,
    and for a name that is not mapped to the account.
    """
    names = actors.names_of(account, owner)
    if not names:
        raise NotAllowed(
            f"the account {account!r} has no role here",
            remedy="whoever keeps the site file can map it under [actors.accounts]",
        )
    if as_name is None or (as_name == account and as_name not in names):
        roles = frozenset[Role]().union(*(actors.roles[name] for name in names))
        return Actor(name=account, roles=roles, authenticated=authenticated)
    if as_name not in names:
        raise NotAllowed(
            f"{account!r} may not act as {as_name!r}",
            remedy=f"names of this account: {', '.join(names)}",
        )
    return Actor(
        name=as_name,
        roles=actors.roles[as_name],
        authenticated=authenticated,
        account=None if as_name == account else account,
    )


def _or_list(roles: frozenset[Role]) -> str:
    return " or ".join(role for role in Role if role in roles)


def _table(section: Mapping[str, object], key: str, file: str) -> Mapping[str, object]:
    value = section.get(key, {})
    if not isinstance(value, Mapping):
        raise ContractError(file, f"actors.{key}", "must be a table of lists")
    return value


def _names(value: object, file: str, key: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ContractError(file, key, "must be a list of names")
    return tuple(value)


def _role(name: str, file: str, holder: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise ContractError(
            file, f"actors.roles.{holder}", f"{name!r} is no role", allowed=tuple(Role)
        ) from None


def _known(
    names: tuple[str, ...], roles: Mapping[str, frozenset[Role]], file: str, account: str
) -> tuple[str, ...]:
    for name in names:
        if name not in roles:
            raise ContractError(
                file, f"actors.accounts.{account}", f"{name!r} has no roles", allowed=tuple(sorted(roles))
            )
    return names
