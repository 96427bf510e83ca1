"""Where a PostgreSQL database of ours is: an address without a password, as a site file names it.

The password comes from an environment variable that the site file names, else from where libpq looks:
`~/.pgpass` or a service file (https://www.postgresql.org/docs/15/libpq-connect.html).
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from lakehouse.core.toml_section import Section
from lakehouse.errors import NotReady

REFUSED = {
    "password": "a password does not belong into a site file: name its environment variable in password_env",
    "sslpassword": "does not belong into a site file: keep the file of sslkey without one, mode 0600",
    "options": "is set by LivingLab (search path and timeouts)",
    "client_encoding": "is set by LivingLab",
}
"""Parts of an address that a site file may not name, and why."""

LONGEST_NAME = 63
"""Bytes of a name that PostgreSQL keeps: what is beyond them tells no two schemas apart."""

OWN_MACHINE = {"", "localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddress:
    """The libpq parameters of a site file, the schema of our tables and the variable of the password."""

    parameters: Mapping[str, str] = field(repr=False)
    schema: str
    password_env: str | None = None

    @property
    def place(self) -> str:
        """Schema, host and database, as messages may name them."""
        service = self.parameters.get("service")
        where = f"service {service}" if service else self._host_and_database()
        return f"schema {self.schema} of {where}"

    def connection(self) -> dict[str, str]:
        """Return what libpq is given, the password included; NotReady where its variable is not set."""
        secret = {"password": self._password()} if self.password_env else {}
        return {**self.parameters, **secret}

    def url(self, driver: str) -> str:
        """Return the SQLAlchemy address for a driver, the password included; never to be printed."""
        given = self.connection()
        user, password = quote(given.pop("user", ""), safe=""), quote(given.pop("password", ""), safe="")
        database = quote(given.pop("dbname", ""), safe="")
        account = f"{user}:{password}@" if password else f"{user}@" if user else ""
        return f"{driver}://{account}/{database}?{urlencode(given)}"

    def _host_and_database(self) -> str:
        host = self.parameters.get("host") or self.parameters.get("hostaddr") or "this machine"
        return f"{self.parameters.get('dbname', 'the default database')} on {host}"

    def _password(self) -> str:
        password = os.environ.get(self.password_env or "")
        if not password:
            raise NotReady(
                f"the environment variable {self.password_env} is not set: it holds a password",
                remedy="set it, or leave out password_env and use ~/.pgpass",
            )
        return password


def parse_address(holder: Section, key: str, schema: str | None) -> PostgresAddress | None:
    """Return the address under `key`, None where there is none: a text, or {url, schema, password_env}.

    `schema` is the default; None refuses one. Raises ContractError, which never repeats the address.
    """
    said = holder.take(key)
    if said is None:
        return None
    place = ".".join(part for part in (holder.place, key) if part)
    own = Section({"url": said} if isinstance(said, str) else said, file=holder.file, place=place)
    parameters = _parameters(own, own.text("url"))
    address = PostgresAddress(
        parameters=parameters,
        schema=_schema(own, schema) if schema else "public",
        password_env=own.optional_text("password_env"),
    )
    own.finish()
    return address


def _schema(section: Section, default: str) -> str:
    name = section.text("schema", default)
    if not (name.isascii() and name.isidentifier() and name == name.lower()) or name.startswith("pg_"):
        raise section.error("schema", "must be a lower-case name of letters, digits and _")
    if len(name) > LONGEST_NAME:
        raise section.error("schema", f"must have at most {LONGEST_NAME} characters")
    return name


def _parameters(section: Section, url: str) -> dict[str, str]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    if not url.startswith(("postgresql://", "postgres://")):
        raise section.error("url", "must begin with postgresql://")
    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.ProgrammingError:
        raise section.error("url", "is not an address that PostgreSQL understands") from None
    for name, why in REFUSED.items():
        if name in found:
            raise section.error("url", why if name == "password" else f"{name} {why}")
    if "sslmode" not in found and "service" not in found and _is_remote(found):
        found["sslmode"] = "verify-full"
    return found


def _is_remote(parameters: Mapping[str, str]) -> bool:
    """Whether the address leads over a network: then the server must prove who it is, by default."""
    hosts: Iterable[str] = [
        host for name in ("host", "hostaddr") for host in parameters.get(name, "").split(",")
    ]
    return any(not host.startswith("/") and host not in OWN_MACHINE for host in hosts)
