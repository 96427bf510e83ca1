"""What PostgreSQL says of a refused connection, in our words: its texts name hosts and roles."""

import psycopg
import pytest

from lakehouse.adapters.postgres_failures import explain

BEGIN = 'connection failed: connection to server at "192.0.2.7", port 5432 failed: '


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('FATAL:  password authentication failed for user "ada"', "does not let this role in"),
        ("fe_sendauth: no password supplied", "does not let this role in"),
        ('FATAL:  no pg_hba.conf entry for host "192.0.2.7", user "ada"', "does not let this role in"),
        ('FATAL:  role "ada" does not exist', "does not let this role in"),
        ('FATAL:  permission denied for database "lab"', "does not let this role in"),
        ('FATAL:  database "lab" does not exist', "no such database"),
        ("FATAL:  the database system is starting up", "has been stopped or is starting"),
        ("FATAL:  sorry, too many clients already", "no connection or memory to spare"),
        ("FATAL:  remaining connection slots are reserved", "no connection or memory to spare"),
        ("server does not support SSL, but SSL was required", "does not prove who it is"),
        ('root certificate file "~ada/.postgresql/root.crt" does not exist', "does not prove who it is"),
        ('server certificate for "a" does not match host name "b"', "does not prove who it is"),
        ("Connection refused", "cannot be reached"),
        ("timeout expired", "cannot be reached"),
    ],
)
def test_a_refused_connection_is_said_in_our_words(text: str, says: str) -> None:
    """Exit code 7 whatever it is, and neither host nor role in it."""
    error = explain(psycopg.OperationalError(BEGIN + text), "the vault", "schema x")
    assert says in error.message and error.exit_code == 7
    assert not any(word in f"{error.message} {error.remedy}" for word in ("192.0.2.7", "ada", "5432"))


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (psycopg.errors.DiskFull(), 7),
        (psycopg.errors.AdminShutdown(), 7),
        (psycopg.errors.QueryCanceled(), 7),
        (psycopg.errors.DeadlockDetected(), 7),
        (psycopg.errors.ReadOnlySqlTransaction(), 7),
        (psycopg.errors.InsufficientPrivilege(), 7),
        (psycopg.errors.UndefinedTable(), 7),
        (psycopg.errors.DataCorrupted(), 6),
        (psycopg.errors.IndexCorrupted(), 6),
        (psycopg.errors.NotNullViolation(), 6),
        (psycopg.errors.UntranslatableCharacter(), 2),
    ],
)
def test_a_failure_with_a_code_has_an_exit_code(failure: psycopg.Error, code: int) -> None:
    assert explain(failure, "the vault", "schema x").exit_code == code
