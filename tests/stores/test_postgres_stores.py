"""A registry and a vault in PostgreSQL: who waits for whom, what a dead writer leaves, what goes wrong."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from lakehouse.adapters.postgres_locks import PostgresLocks
from lakehouse.adapters.postgres_stores import PostgresStore
from lakehouse.adapters.sql_registry import SEALS, SqlRegistry
from lakehouse.adapters.vault import Vault
from lakehouse.errors import Damaged, LivingLabError, NotReady, Unavailable, UnreadableInput
from tests.kept_stores import InPostgres
from tests.postgres_server import PostgresServer
from tests.unit.vault_keys import FixedKeys

KEY = b"k" * 32
WORD = "correct-horse-battery"


@pytest.fixture
def kept(postgres: PostgresServer) -> Iterator[InPostgres]:
    made = InPostgres(postgres, "the registry", SEALS)
    yield made
    made.drop()


@pytest.fixture
def registry(kept: InPostgres) -> SqlRegistry:
    made = SqlRegistry(kept.store, KEY)
    made.create()
    return made


def add_charge(registry: SqlRegistry, name: str) -> None:
    with registry.transaction() as tx:
        tx.add("charges", charge_id=name, micro_epsilon=1)


def count_charges(registry: SqlRegistry) -> int:
    with registry.reading() as tx:
        return tx.count("charges")


def test_the_second_writer_waits_for_the_first_and_reads_what_it_wrote(registry: SqlRegistry) -> None:
    """Sums of MACs are read and written by one at a time; readers see the state before and do not wait."""
    begun, done = threading.Event(), []

    def second() -> None:
        begun.set()
        with registry.transaction() as tx:
            done.append(tx.count("charges"))
            tx.add("charges", charge_id="second", micro_epsilon=1)

    with registry.transaction() as tx:
        tx.add("charges", charge_id="first", micro_epsilon=1)
        other = threading.Thread(target=second)
        other.start()
        assert begun.wait(60)
        assert count_charges(registry) == 0 and done == []
    other.join(300)
    assert done == [1]
    assert registry.check() == []


def test_without_the_lock_two_writers_would_break_the_sum(kept: InPostgres, registry: SqlRegistry) -> None:
    """Positive control: of writers that lock a table each, one changes the sum under the other."""
    one, two = (
        SqlRegistry(PostgresStore(kept.address, "the registry", turn), KEY) for turn in ("models", "batches")
    )
    with pytest.raises(Unavailable, match="two at once"), one.transaction() as tx:
        tx.count("charges")
        add_charge(two, "second")
        tx.add("charges", charge_id="first", micro_epsilon=1)


def test_a_writer_killed_in_a_transaction_leaves_nothing_and_holds_nobody_up(registry: SqlRegistry) -> None:
    child = os.fork()
    if child == 0:
        with registry.transaction() as tx:
            tx.add("charges", charge_id="of the dead", micro_epsilon=1)
            os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    add_charge(registry, "of the living")
    assert (count_charges(registry), registry.check()) == (1, [])


def test_a_server_that_was_stopped_is_unavailable_and_then_goes_on(
    registry: SqlRegistry, postgres: PostgresServer
) -> None:
    """Exit code 7 in the middle of a transaction and while it is away; what was not committed is gone."""
    try:
        with pytest.raises(Unavailable) as caught, registry.transaction() as tx:
            tx.add("charges", charge_id="first", micro_epsilon=1)
            postgres.stop()
            tx.add("charges", charge_id="second", micro_epsilon=1)
        assert caught.value.exit_code == 7
        with pytest.raises(Unavailable, match="cannot be reached"):
            count_charges(registry)
    finally:
        postgres.start()
    assert count_charges(registry) == 0
    add_charge(registry, "first")
    assert registry.check() == []


def failing(postgres: PostgresServer, kept: InPostgres, case: str) -> PostgresStore:
    """Return a store whose address is wrong in one way."""
    parameters = dict(kept.address.parameters)
    match case:
        case "no server":
            parameters["host"] = str(postgres.folder / "nowhere")
        case "no such database":
            parameters["dbname"] = "nowhere"
        case "no such role" | "no grant":
            parameters["user"] = "stranger"
        case "wrong password" | "no password":
            parameters["user"] = "needs_password"
    secret = {"password_env": "LIVINGLAB_TEST_PASSWORD"} if case == "wrong password" else {}
    schema = "nowhere" if case == "no schema" else kept.address.schema
    return PostgresStore(
        replace(kept.address, parameters=parameters, schema=schema, **secret), "the registry", SEALS
    )


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("no server", "cannot be reached"),
        ("no such database", "no such database"),
        ("no such role", "does not let this role in"),
        ("wrong password", "does not let this role in"),
        ("no password", "does not let this role in"),
        ("no schema", "is missing"),
        ("no grant", "does not grant this role"),
    ],
)
def test_what_is_wrong_is_said_without_the_address(
    postgres: PostgresServer,
    kept: InPostgres,
    registry: SqlRegistry,
    monkeypatch: pytest.MonkeyPatch,
    case: str,
    says: str,
) -> None:
    """Exit code 7; neither password nor role nor socket stands in the error."""
    monkeypatch.setenv("LIVINGLAB_TEST_PASSWORD", WORD)
    postgres.execute("CREATE ROLE needs_password LOGIN PASSWORD 'another'")
    if case == "no grant":
        postgres.execute("CREATE ROLE stranger LOGIN")
        postgres.execute(f"GRANT USAGE ON SCHEMA {kept.address.schema} TO stranger")
    try:
        with pytest.raises(Unavailable, match=says) as caught:
            SqlRegistry(failing(postgres, kept, case), KEY).check()
    finally:
        kept.drop()
        postgres.execute("DROP ROLE needs_password", "DROP ROLE IF EXISTS stranger")
    error = caught.value
    said = f"{error.message} {error.remedy}"
    assert error.exit_code == 7
    assert not any(word in said for word in (WORD, "needs_password", "stranger", str(postgres.folder)))


def test_a_password_whose_variable_is_not_set_is_asked_for(kept: InPostgres) -> None:
    address = replace(kept.address, password_env="LIVINGLAB_TEST_ABSENT")
    with pytest.raises(NotReady, match="LIVINGLAB_TEST_ABSENT is not set"):
        PostgresStore(address, "the registry", SEALS).exists()


def test_a_read_only_server_is_unavailable(postgres: PostgresServer, registry: SqlRegistry) -> None:
    postgres.execute("ALTER DATABASE postgres SET default_transaction_read_only = on")
    try:
        with pytest.raises(Unavailable, match="read-only"):
            add_charge(registry, "first")
    finally:
        postgres.execute(
            "SET default_transaction_read_only = off",
            "ALTER DATABASE postgres RESET default_transaction_read_only",
        )


def test_a_text_that_postgresql_refuses_is_unreadable_input(registry: SqlRegistry) -> None:
    with pytest.raises(UnreadableInput), registry.transaction() as tx:
        tx.add("decisions", decision_id="d", reason="a\x00b")


def test_the_order_of_texts_is_that_of_their_bytes(registry: SqlRegistry) -> None:
    """As in SQLite: a server that sorts by a language would give another order of rows."""
    for name in ("b", "B", "é", "a"):
        add_charge(registry, name)
    with registry.reading() as tx:
        assert [row["charge_id"] for row in tx.many("charges")] == ["B", "a", "b", "é"]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("CREATE RULE r AS ON INSERT TO charges DO INSTEAD NOTHING", "rule r"),
        ("ALTER TABLE charges ALTER purpose SET DEFAULT 'research'", "column charges.purpose"),
        ("ALTER TABLE charges ALTER purpose TYPE varchar", "column charges.purpose"),
        ("ALTER TABLE charges ADD COLUMN more text", "column charges.more"),
        ("ALTER TABLE charges ADD CHECK (micro_epsilon < 5)", "constraint charges_micro_epsilon_check"),
        ("ALTER TABLE charges ENABLE ROW LEVEL SECURITY", "table charges without a log or with row security"),
        ("CREATE POLICY p ON charges USING (false)", "policy p"),
        ("ALTER TABLE charges SET UNLOGGED", "table charges without a log or with row security"),
        ("CREATE TABLE others () INHERITS (charges)", "child table others"),
        ("CREATE INDEX i ON charges (lower(purpose))", "index i with an expression"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "function f"),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1", "materialised view m"),
        ("CREATE SEQUENCE s", "sequence s"),
    ],
)
def test_what_acts_on_our_rows_is_found(
    kept: InPostgres, registry: SqlRegistry, statement: str, found: str
) -> None:
    """A rule or a default changes what is written, a policy or a child table what is read."""
    assert registry.check() == []
    kept.execute(statement)
    assert any(name.startswith(found) for name, _, _ in registry.check())


def test_tables_of_another_schema_are_not_read(postgres: PostgresServer, registry: SqlRegistry) -> None:
    """The search path is ours alone: neither `public` nor a temporary table stands before it."""
    postgres.execute(
        "CREATE TABLE public.charges (charge_id text)", "INSERT INTO public.charges VALUES ('x')"
    )
    try:
        assert count_charges(registry) == 0
        with registry.store.reading() as connection:
            assert str(connection.scalar(text("SHOW search_path"))).endswith(",pg_temp")
    finally:
        postgres.execute("DROP TABLE public.charges")


def test_a_destroyed_key_is_not_left_in_the_tables_file(postgres: PostgresServer) -> None:
    """PostgreSQL keeps replaced rows until the table is written anew; its log keeps them longer."""
    kept = InPostgres(postgres, "the vault", "seals")
    vault = Vault(kept.store, FixedKeys())
    vault.create()
    vault.batch_key("gait_walks/1")
    ((wrapped,),) = kept.execute("SELECT wrapped FROM keys WHERE name LIKE 'batch/%'")
    assert wrapped in on_disk(postgres)
    vault.destroy_batch_key("gait_walks/1")
    assert wrapped not in on_disk(postgres)
    assert vault.broken_seals() == ()
    kept.drop()


def on_disk(postgres: PostgresServer) -> bytes:
    """Return the bytes of all tables' files."""
    postgres.execute("CHECKPOINT")
    return postgres.bytes_below("base")


def test_the_schema_of_another_home_is_refused(kept: InPostgres, registry: SqlRegistry) -> None:
    with pytest.raises(Damaged, match="another home"):
        SqlRegistry(kept.again(), b"x" * 32).create()


def test_many_who_begin_at_once_make_the_tables_once(kept: InPostgres) -> None:
    failures: list[LivingLabError] = []

    def make() -> None:
        try:
            SqlRegistry(kept.again(), KEY).create()
        except LivingLabError as error:
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert SqlRegistry(kept.again(), KEY).check() == []


def test_no_connection_stays_behind(
    postgres: PostgresServer, kept: InPostgres, registry: SqlRegistry
) -> None:
    """The server's process for a connection ends a moment after the connection."""
    add_charge(registry, "first")
    with PostgresLocks(kept.address, "one").hold(["log"]):
        assert "livinglab" in sessions(postgres)
    until = time.monotonic() + 60
    while sessions(postgres) and time.monotonic() < until:
        time.sleep(0.05)
    assert sessions(postgres) == []


def sessions(postgres: PostgresServer) -> list[str]:
    """Return what the sessions of our stores and locks are called."""
    with postgres.connected() as link:
        found = link.execute(
            "SELECT application_name FROM pg_stat_activity WHERE application_name = 'livinglab'"
        ).fetchall()
    return [name for (name,) in found]
