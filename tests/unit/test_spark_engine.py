"""What a cluster's secret must be, and that a driver which others reach has one."""

from pathlib import Path

import pytest

from lakehouse.adapters import spark_session
from lakehouse.adapters.site_file import read_site_file
from lakehouse.adapters.spark_cluster import main, master_daemon, worker_daemon
from lakehouse.adapters.spark_connect_server import TOKEN_VARIABLE
from lakehouse.adapters.spark_connect_server import main as become_server
from lakehouse.adapters.spark_secret import read_secret, write_properties
from lakehouse.adapters.spark_session import Engine, session_settings
from lakehouse.errors import NotReady

SECRET = "5ec4e7" * 8


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "cluster.secret"
    file.write_text(f"{SECRET}\n")
    return file


@pytest.mark.parametrize("said", ["", "short", "x" * 31, "two words that are long enough for it", "é" * 40])
def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path, said: str) -> None:
    file = tmp_path / "cluster.secret"
    file.write_text(said)
    with pytest.raises(NotReady, match="secret of the Spark cluster") as refused:
        read_secret(file)
    assert not said or said not in refused.value.message


def test_the_secret_goes_into_a_private_file_and_onto_no_command_line(tmp_path: Path, secret: Path) -> None:
    master = master_daemon(tmp_path / "master", "127.0.0.1", 7077, secret)
    worker = worker_daemon(
        tmp_path / "worker", "spark://127.0.0.1:7077", "127.0.0.1", 7078, secret, cores=1, memory="1g"
    )
    for daemon in (master, worker):
        assert SECRET not in " ".join([*daemon.command, *daemon.variables.values()])
        properties = Path(daemon.command[daemon.command.index("--properties-file") + 1])
        assert SECRET in properties.read_text() and properties.stat().st_mode & 0o077 == 0
        assert "spark.master.rest.enabled=false\n" in properties.read_text()


def test_a_properties_file_of_before_is_replaced(tmp_path: Path, secret: Path) -> None:
    file = write_properties(tmp_path / "daemon.properties", secret)
    assert write_properties(file, None).read_text() == ""


def test_a_driver_that_others_reach_asks_for_a_secret(
    tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spark_session, "checked_jars", lambda folder: [])
    open_driver = Engine(master="spark://10.0.0.1:7077", jars=tmp_path, address="10.0.0.2")
    with pytest.raises(NotReady, match=r"10\.0\.0\.2 for anybody"):
        session_settings(open_driver, tmp_path)
    closed = Engine(master="spark://10.0.0.1:7077", jars=tmp_path, address="10.0.0.2", secret=secret)
    settings = session_settings(closed, tmp_path)
    assert settings["spark.driver.host"] == "10.0.0.2" and SECRET not in settings.values()


def test_a_site_file_names_the_cluster_its_secret_and_where_workers_reach_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_file = tmp_path / "site.toml"
    site_file.write_text(
        'name = "x"\n[engine]\nspark = "spark://a:7077"\nsecret_file = "keys/cluster"\naddress = "b"\n'
    )
    monkeypatch.delenv("LIVINGLAB_SPARK", raising=False)
    engine = read_site_file(site_file).engine
    assert (engine.master, engine.address) == ("spark://a:7077", "b") and engine.on_cluster
    assert engine.secret == tmp_path / "keys" / "cluster"
    monkeypatch.setenv("LIVINGLAB_SPARK_ADDRESS", "c")
    assert read_site_file(site_file).engine.address == "c"


def test_a_daemon_without_its_secret_does_not_begin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["master", "--host", "127.0.0.1", "--secret", str(tmp_path / "absent")]
    assert main([*asked, "--folder", str(tmp_path / "daemon")]) == NotReady.exit_code
    assert "openssl rand -hex 32" in capsys.readouterr().err


def test_a_shared_server_without_a_token_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "short")
    assert become_server(["--cluster", "local[1]"]) == NotReady.exit_code
    assert TOKEN_VARIABLE in capsys.readouterr().err
