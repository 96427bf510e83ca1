"""`witness`: vouch for the logs of other sites, so that none of them can show two people two histories."""

import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.command_list import SentenceGroup
from lakehouse.cli.output import context_of, print_facts, print_table
from lakehouse.errors import Damaged, NotReady, NotVerified, WrongUse

if TYPE_CHECKING:
    from lakehouse.adapters.witness_state import WitnessState
    from lakehouse.core.checkpoint import VerifierKey

DEFAULT_LISTEN = "127.0.0.1:8100"
KEYS = "keys"

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The witness's folder.")]
KeysFolder = Annotated[
    Path | None, typer.Option("--keys", metavar="DIR", help="Folder of its keys. [default: DIR/keys]")
]


def register(app: typer.Typer) -> None:
    """Add the group to the app."""
    group = typer.Typer(
        cls=SentenceGroup,
        help="Vouch for the logs of other sites: no log can then show two people two histories.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("init")(make_witness)
    group.command("add-log")(add_log)
    group.command("logs")(show_logs)
    group.command("serve")(serve)
    app.add_typer(group, name="witness")


def make_witness(
    context: typer.Context,
    folder: Folder,
    name: Annotated[str, typer.Option("--name", help="The witness's name, like clinic-b.example/w1.")],
    keys: KeysFolder = None,
    url: Annotated[
        str, typer.Option("--url", help="Where sites will reach it.")
    ] = f"http://{DEFAULT_LISTEN}",
) -> None:
    """Make the keys and the memory of a new witness; what is there already is kept.

    Reads nothing. Writes DIR (keys: files of mode 0600). Prints the lines for the site files of those who
    ask for its cosignatures. Needs no home. Example: livinglab witness init w1 --name clinic-b.example/w1
    """
    from lakehouse.adapters.durable_files import make_private_folder
    from lakehouse.adapters.witness_keys import make_witness_keys
    from lakehouse.adapters.witness_state import WitnessState

    cli = context_of(context)
    state, keys = WitnessState(folder), keys or folder / KEYS
    _require_memory(state, keys)
    make_private_folder(folder)
    # Memory first: keys without one are those of a witness that forgot what it signed.
    state.create()
    made = make_witness_keys(keys, name)
    vkeys = [key.render() for key in made.vkeys]
    lines = site_lines(vkeys, url)
    cli.emit(
        {"name": made.name, "keys": vkeys, "site": lines},
        lambda console: console.print(f"for the site file of a log:\n\n{lines}", soft_wrap=True),
    )


def site_lines(vkeys: list[str], url: str) -> str:
    """Return the lines of a site file that name a witness."""
    quoted = ",\n  ".join(f'"{vkey}"' for vkey in vkeys)
    return f'[[log.witnesses]]\nkeys = [\n  {quoted},\n]\nurl = "{url}"\n'


def add_log(
    context: typer.Context,
    folder: Folder,
    vkey: Annotated[str, typer.Argument(metavar="VKEY", help="The log's key: `log` of its trust file.")],
) -> None:
    """Watch one more log; its origin is the name of its key.

    Reads and writes DIR. Example: livinglab witness add-log w1 livinglab.local/1f…+9c…+AT…
    """
    cli = context_of(context)
    key = _log_key(vkey)
    added = _open_state(folder).add_log(key)
    fields = {"origin": key.name, "added": added}
    cli.emit(fields, lambda console: print_facts(console, fields))


def show_logs(context: typer.Context, folder: Folder) -> None:
    """Show the logs that a witness watches, and the newest head of each that it cosigned.

    Reads DIR. Writes nothing. Example: livinglab witness logs w1
    """
    cli = context_of(context)
    logs = _watched(_open_state(folder))
    columns = ["origin", "size", "root", "key"]
    cli.emit(
        {"logs": logs},
        lambda console: print_table(
            console, columns, [[log[name] for name in columns] for log in logs], right=["size"]
        ),
    )


def serve(
    context: typer.Context,
    folder: Annotated[Path, typer.Option("--state", metavar="DIR", help="The witness's folder.")],
    listen: Annotated[
        str, typer.Option("--listen", metavar="ADDRESS:PORT", help="Where to listen.")
    ] = DEFAULT_LISTEN,
    name: Annotated[str | None, typer.Option("--name", help="The witness's name, to be sure.")] = None,
    logs: Annotated[
        list[str] | None, typer.Option("--log", metavar="VKEY", help="Watch this log too; repeatable.")
    ] = None,
    keys: KeysFolder = None,
) -> None:
    """Answer logs that ask for cosignatures (C2SP tlog-witness) until Ctrl-C.

    Reads and writes DIR; evidence of misbehaviour goes to DIR/misbehaviour. Needs no home. Put a web server
    with TLS before it where others reach it. Example: livinglab witness serve --state w1
    """
    from lakehouse.adapters.witness import Witness
    from lakehouse.adapters.witness_keys import read_witness_keys
    from lakehouse.adapters.witness_server import serve_witness
    from lakehouse.adapters.witness_state import WitnessState

    cli = context_of(context)
    host, port = _address(listen)
    keys = keys or folder / KEYS
    _require_memory(WitnessState(folder), keys)
    state = _open_state(folder)
    held = read_witness_keys(keys)
    if name is not None and name != held.name:
        raise WrongUse(f"this witness is {held.name}", remedy="leave out --name, or name another --state")
    for vkey in logs or ():
        state.add_log(_log_key(vkey))
    witness = Witness(held, state, lambda sentence: cli.notice(f"{_now()} {sentence}"))
    watched = len(state.logs())
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        serve_witness(
            witness,
            host,
            port,
            lambda url: cli.notice(f"{_now()} {held.name} watches {watched} logs on {url}"),
        )
    except KeyboardInterrupt:
        cli.notice(f"{_now()} stopped")


def _require_memory(state: "WitnessState", keys: Path) -> None:
    """Raise Damaged where there are keys that have signed and no memory of what."""
    from lakehouse.adapters.witness_keys import IDENTITY

    if (keys / IDENTITY).exists() and not state.exists():
        raise Damaged(
            "the witness has its keys but not its memory: it could sign a second history",
            remedy="restore witness.db from its backup, or begin a new witness with another name and keys",
        )


def _open_state(folder: Path) -> "WitnessState":
    from lakehouse.adapters.witness_state import WitnessState

    state = WitnessState(folder)
    if not state.exists():
        raise NotReady(
            f"there is no witness in {folder.name!r}", remedy="livinglab witness init DIR --name NAME"
        )
    return state


def _watched(state: "WitnessState") -> list[dict[str, Any]]:
    found = []
    with state.reading() as turn:
        heads = {key.name: turn.head(key.name) for key in state.logs()}
    for key in state.logs():
        head = heads[key.name]
        found.append(
            {
                "origin": key.name,
                "key": key.render(),
                "size": head.size if head else None,
                "root": head.root.hex() if head else None,
            }
        )
    return found


def _log_key(text: str) -> "VerifierKey":
    from lakehouse.core.checkpoint import ED25519, parse_vkey

    try:
        key = parse_vkey(text)
    except NotVerified as error:
        raise WrongUse(error.message, remedy="copy `log` of the site's trust file") from error
    if key.algorithm != ED25519:
        raise WrongUse(
            "this is the key of a witness, not of a log", remedy="copy `log` of the site's trust file"
        )
    return key


def _address(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not (port.isascii() and port.isdecimal() and int(port) < 65536):
        raise WrongUse("--listen is ADDRESS:PORT", remedy=f"for example --listen {DEFAULT_LISTEN}")
    return host.strip("[]"), int(port)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
