"""What the documents say is true: commands, links, names; and every command says what it does."""

import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import pytest
import typer

import lakehouse
from lakehouse.cli.global_options import lift_global_options
from lakehouse.cli.main import build_app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [*PAGES, *sorted(ROOT.glob("[CG]*.md")), *sorted((ROOT / "docs" / "adr").glob("*.md"))]
ROOT_COMMAND = typer.main.get_command(build_app())


def commands_below(command, path=()):
    """Yield (path, command) of every command that does something."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands_below(inner, (*path, name))
    if path and not getattr(command, "commands", {}):
        yield path, command


COMMANDS = dict(commands_below(ROOT_COMMAND))


def call_lines(text):
    """Yield the `livinglab ...` lines of a document's code blocks, without what follows two spaces."""
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for line in block.splitlines():
            if line.startswith("livinglab "):
                yield re.split(r"\s{2,}", line.strip())[0]


def parse_call(line):
    """Parse a command line as the program would; raises where it would refuse."""
    lifted = lift_global_options(shlex.split(line)[1:])
    assert lifted.missing_value is None
    context = ROOT_COMMAND.make_context("livinglab", list(lifted.arguments))
    command, arguments = ROOT_COMMAND, [*context._protected_args, *context.args]
    while getattr(command, "commands", {}) and arguments and arguments[0] in command.commands:
        command, arguments = command.commands[arguments[0]], arguments[1:]
        context = command.make_context(command.name, list(arguments), parent=context)
        arguments = (
            [*getattr(context, "_protected_args", []), *context.args] if hasattr(command, "commands") else []
        )
    assert command is not ROOT_COMMAND, f"no such command: {line}"


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_help_of_a_command_says_what_it_reads_writes_and_an_example(path):
    told = re.sub(r"\s+", " ", COMMANDS[path].help or "")
    assert re.search(r"\b[Rr]eads?\b", told), "nothing about what it reads"
    assert re.search(r"\b[Ww]rites?\b", told), "nothing about what it writes"
    assert f"Example: livinglab {' '.join(path)}" in told


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_the_example_of_a_command_is_a_call_it_takes(path):
    told = re.sub(r"\s+", " ", COMMANDS[path].help or "")
    parse_call(told.rpartition("Example: ")[2])


@pytest.mark.parametrize("name", sorted({path[0] for path in COMMANDS}))
def test_every_command_is_documented(name):
    text = "\n".join(page.read_text() for page in PAGES)
    assert f"`{name}`" in text or f"livinglab {name}" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_call_in_a_document_is_one_the_program_takes(page):
    for line in call_lines(page.read_text()):
        parse_call(line)


def test_the_check_of_calls_catches_a_wrong_one():
    with pytest.raises(typer.exceptions.TyperException):
        parse_call("livinglab ask mean stride_time_s --epsilons 0.5")
    with pytest.raises((typer.exceptions.TyperException, AssertionError)):
        parse_call("livinglab vacuum gold.x")


@pytest.mark.parametrize("page", DOCUMENTS, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_class_in_the_glossary_exists():
    defined = {
        name
        for module in pkgutil.walk_packages(lakehouse.__path__, "lakehouse.")
        if not module.name.endswith("__main__")
        for name in class_names(ROOT / (module.name.replace(".", "/") + ".py"))
    }
    named = set(re.findall(r"`([A-Z][A-Za-z]+)`", (ROOT / "GLOSSARY.md").read_text()))
    assert named and named <= defined, named - defined


def class_names(file):
    return re.findall(r"^class (\w+)", file.read_text(), re.MULTILINE) if file.exists() else []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda page: page.name)
def test_a_decision_record_has_its_four_parts_on_one_page(page):
    text = page.read_text()
    for part in ("Context", "Options", "Decision", "Consequences"):
        assert re.search(rf"(\*\*|## ){part}", text), part
    assert len(text.splitlines()) <= 60


def test_every_decision_record_named_in_the_code_exists():
    source = "\n".join(path.read_text() for path in (ROOT / "lakehouse").rglob("*.py"))
    for name in set(re.findall(r"docs/[a-z/-]+\.md", source)):
        assert (ROOT / name).exists(), name


def test_the_exit_codes_of_the_readme_are_those_of_the_errors():
    errors = importlib.import_module("lakehouse.errors")
    codes = {
        own.exit_code
        for own in vars(errors).values()
        if isinstance(own, type) and own.__module__ == errors.__name__
    }
    readme = (ROOT / "README.md").read_text()
    told = set(re.findall(r"\b([0-7]) [a-z]", readme[readme.index("Exit codes:") :].split("\n\n")[0]))
    assert {str(code) for code in codes - {1}} | {"0"} == told


def test_the_folders_of_one_file_changes_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for folder in set(re.findall(r"`((?:lakehouse|expectations|infra)/[a-z/]*)(?:<name>|`)", text)):
        assert (ROOT / folder).exists(), folder


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in DOCUMENTS:
        assert set(re.findall(r"(?:`|^)make ([a-z-]+)\b", page.read_text(), re.MULTILINE)) <= targets


def test_what_is_told_to_make_is_a_target():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    sources = [*(ROOT / "lakehouse").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    told = {
        name
        for source in sources
        for name in re.findall(r'(?:remedy="|, then |FETCH = ")make ([a-z]+)"', source.read_text())
    }
    assert {"platform", "models", "jars"} <= told <= targets
