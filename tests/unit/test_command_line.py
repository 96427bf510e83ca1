"""The frame of the command line: options anywhere, one JSON document, one exit code a kind of error."""

import errno
import json
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
import typer

from lakehouse.cli import main as command_line
from lakehouse.cli.command_list import SECTIONS
from lakehouse.cli.failures import explain_failure
from lakehouse.cli.global_options import lift_global_options
from lakehouse.cli.output import as_document, context_of, printable, replace_file
from lakehouse.errors import BudgetExhausted, NotReady, Unavailable, WrongUse

CANARY = "Zyxwv-Canary"


def one_command_app(body):
    """An app whose single command `go` does what `body` does."""
    app = typer.Typer(rich_markup_mode=None)
    app.callback()(command_line._remember_globals)

    @app.command()
    def go(context: typer.Context, reason: str = "") -> None:
        body(context_of(context))

    return app


@pytest.fixture
def run_body(monkeypatch, capsys):
    def run(body, *arguments):
        monkeypatch.setattr(command_line, "build_app", lambda: one_command_app(body))
        code = command_line.run(arguments)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.mark.parametrize(
    ("given", "lifted"),
    [
        ("tables --json", "--json tables"),
        ("tables --home /h --as dpo", "--home /h --as dpo tables"),
        ("tables --home=/h", "--home=/h tables"),
        ("report --site -o out", "report --site -o out"),
        ("report -o out --site", "report -o out --site"),
        ("report silver.x -o out --site s.toml", "--site s.toml report silver.x -o out"),
        ("query -- --json", "query -- --json"),
    ],
)
def test_global_options_are_accepted_after_the_command(given, lifted):
    assert list(lift_global_options(given.split()).arguments) == lifted.split()


def test_an_option_without_its_value_is_named():
    assert lift_global_options(["tables", "--home"]).missing_value == "--home"


def test_a_result_is_one_json_document(run_body):
    code, out, err = run_body(
        lambda cli: cli.emit({"left": Decimal("0.50"), "x": float("nan")}, None), "go", "--json"
    )
    assert (code, json.loads(out), err) == (0, {"left": "0.50", "x": None}, "")


def test_a_refusal_is_one_json_document_with_its_facts(run_body):
    def refuse(_cli):
        raise BudgetExhausted("0.5 is asked for, 0.2 is left", remedy="ask less", short="0.3")

    code, out, _ = run_body(refuse, "--json", "go")
    assert code == 4
    assert json.loads(out)["error"] == {
        "code": "BUDGET_EXHAUSTED",
        "message": "0.5 is asked for, 0.2 is left",
        "remedy": "ask less",
        "short": "0.3",
    }


@pytest.mark.parametrize("arguments", [(), ("nothing",), ("go", "--wrong"), ("go", "--as"), ("go", "extra")])
def test_wrong_use_is_2_with_the_same_json(run_body, arguments):
    code, out, _ = run_body(lambda _: None, *arguments, "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "WRONG_USE")


def test_a_surplus_argument_is_not_repeated(run_body):
    _, out, err = run_body(lambda _: None, "go", CANARY)
    assert CANARY not in out + err


def test_a_fault_of_ours_ends_without_traceback_and_without_values(run_body):
    def fail(_cli):
        raise KeyError(CANARY)

    code, out, err = run_body(fail, "go")
    assert code == 1
    assert "error: KeyError in" in err and CANARY not in out + err and "Traceback" not in err


def test_interrupting_is_130(run_body):
    def interrupt(_cli):
        raise KeyboardInterrupt

    assert run_body(interrupt, "go")[0] == 130


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OSError(errno.ENOSPC, "No space", CANARY), 7),
        (OSError(errno.EROFS, "Read-only", CANARY), 7),
        (PermissionError(errno.EACCES, "denied", CANARY), 7),
        (sqlite3.OperationalError("database or disk is full"), 7),
        (sqlite3.OperationalError("database is locked"), 7),
        (sqlite3.DatabaseError("database disk image is malformed"), 6),
        (sqlite3.DatabaseError("file is not a database"), 6),
        (ModuleNotFoundError("No module", name="pyspark.sql"), 3),
        (ValueError(CANARY), 1),
    ],
)
def test_foreign_errors_become_a_sentence_with_an_exit_code(error, code):
    explained = explain_failure(error)
    assert explained.exit_code == code
    assert CANARY not in explained.message + explained.remedy


def test_the_cause_below_a_foreign_error_is_found():
    error = RuntimeError(CANARY)
    error.__cause__ = OSError(errno.ENOSPC, "No space")
    assert explain_failure(error).exit_code == 7


def test_control_characters_do_not_reach_the_terminal():
    assert printable("a\x1b[31mb\tc") == "a\\x1b[31mb\\tc"


def test_infinities_and_bytes_have_a_json_form():
    assert as_document([float("inf"), b"\x01", (1,)]) == [None, "01", [1]]


def test_an_output_file_is_replaced_and_private(tmp_path):
    target = tmp_path / "out.json"
    target.write_text("old")
    target.chmod(0o644)
    replace_file(target, b"new")
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [target]


def test_an_output_file_needs_its_folder(tmp_path):
    with pytest.raises(WrongUse):
        replace_file(tmp_path / "none" / "out.json", b"")


def test_help_loads_nothing_heavy():
    """So it is there in 0.2 s."""
    program = (
        "import sys; from lakehouse.cli.main import run; run(['--help']);"
        "heavy = {'pyspark', 'pandas', 'polars', 'opendp', 'spacy', 'duckdb', 'matplotlib', 'sqlalchemy',"
        " 'pyarrow', 'numpy', 'great_expectations', 'airflow', 'presidio_analyzer'};"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_list_of_commands_has_a_section_for_each():
    listed = {name for names in SECTIONS.values() for name in names}
    assert listed == set(typer.main.get_command(command_line.build_app()).commands)


def test_commands_are_listed_in_whole_sentences(capsys):
    for group in ([], ["models"]):
        assert command_line.run([*group, "--help"]) == 0
        assert "..." not in capsys.readouterr().out.partition("\nOptions:")[2]


@pytest.mark.parametrize("asked", [["tables"], ["--json", "tables"]])
def test_output_that_cannot_be_written_is_said_and_no_traceback(asked, tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lakehouse", "--home", str(tmp_path / "none"), *asked],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip

    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.returncode in {NotReady.exit_code, Unavailable.exit_code}
