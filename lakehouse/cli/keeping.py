"""`backup`, `restore`, `upgrade`: what keeps a home over years."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lakehouse.cli.output import context_of, print_facts
from lakehouse.errors import Damaged

if TYPE_CHECKING:
    from lakehouse.cli.output import CliContext

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup, on another disk.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("backup")(backup)
    app.command("restore")(restore)
    app.command("upgrade")(upgrade)


def backup(
    context: typer.Context,
    folder: Folder,
    keys: Annotated[
        Path | None,
        typer.Option(
            "--keys",
            metavar="DIR2",
            help="Copy the keys too, into this folder; with --check, read them there.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the backup there is, every byte; write nothing.")
    ] = False,
) -> None:
    """Copy the home into DIR while others write: one state of lake, registry, log and vault (role engineer).

    Run again, it copies what is new and lets go of what is no longer needed; stopped, it leaves the backup
    before it. Without --keys no key is copied: without the keys a backup is worth nothing, so keep both,
    and not in one place. Reads the home. Writes DIR, and DIR2; not landing/, airflow/ or work/.

    Example: livinglab backup /backups/livinglab --keys /safe/livinglab-keys
    """
    cli = context_of(context)
    if check:
        _show_check(cli, folder, keys)
        return
    from lakehouse.adapters.backup_folder import make_folder
    from lakehouse.adapters.keyring import copy_keys
    from lakehouse.pipeline.backup import backup as make_backup
    from lakehouse.pipeline.backup import require_apart
    from lakehouse.sites import keys_folder

    site = cli.open(replay=False)
    site.actor.require("backup")
    require_apart(keys_folder(site.home).parent, folder)
    if keys is not None:
        require_apart(keys, folder, site.home.path)
        make_folder(keys, "the folder for the keys")
    done = make_backup(site, folder, cli.progress)
    if keys is not None:
        copy_keys(keys_folder(site.home), keys / site.home.id, renew=True)
    fields = {**done.as_json(), "folder": str(folder), "keys": str(keys) if keys else None}
    cli.emit(fields, lambda console: print_facts(console, fields))
    if keys is None:
        cli.notice("the keys are not in it: back up their folder too, elsewhere (--keys)")


def restore(
    context: typer.Context,
    folder: Folder,
    keys: Annotated[
        Path | None, typer.Option("--keys", metavar="DIR2", help="Put the keys back from this folder.")
    ] = None,
) -> None:
    """Make a home of a backup, once every byte of it was checked; then walk it as fsck does (role engineer).

    The home that --home names must not be there yet. What was written after the backup is not in it: where
    witnesses or copies of heads know of more leaves, the home says so and signs nothing. Reads DIR, the
    keys, and DIR2. Writes the home, and the keys where DIR2 is named and they are missing.

    Example: livinglab restore /backups/livinglab --home .livinglab
    """
    from lakehouse.sites import restore_home

    cli, started = context_of(context), time.monotonic()
    checked = restore_home(folder, cli.site_file, cli.home, cli.as_name, keys=keys, progress=cli.progress)
    walked = _walk_restored(cli, checked.manifest.format)
    seconds = round(time.monotonic() - started, 1)
    fields: dict[str, Any] = {"home": str(_home(cli)), **checked.as_json(), **walked, "seconds": seconds}
    cli.emit(fields, lambda console: print_facts(console, _shown(fields)))
    if walked["clean"] is False:
        raise typer.Exit(Damaged.exit_code)


def upgrade(context: typer.Context) -> None:
    """Bring a home that an earlier LivingLab made to the format of this one (role engineer).

    Checks both databases, copies them, changes them step by step; stopped, it goes on where it was. Proofs
    given out stay valid. Reads and writes: registry.db, vault.db and home.json; not the log, not the lake.

    Example: livinglab upgrade --home .livinglab
    """
    from lakehouse.sites import upgrade_home

    cli = context_of(context)
    with cli.progress("upgrading"):
        done = upgrade_home(cli.site_file, cli.home, cli.as_name)
    if done.repeated:
        said = f"the home has format {done.after}: nothing to do"
    else:
        said = "\n".join([*done.steps, f"the home has format {done.after} now; it had format {done.before}"])
    cli.emit(done.as_json(), lambda console: console.print(said))


def _show_check(cli: "CliContext", folder: Path, keys: Path | None) -> None:
    from lakehouse.sites import check_home_backup

    checked, _ = check_home_backup(folder, keys, cli.progress)
    fields = {"folder": str(folder), **checked.as_json(), "sound": True}
    cli.emit(fields, lambda console: print_facts(console, fields))


def _walk_restored(cli: "CliContext", number: int) -> dict[str, Any]:
    """Return what fsck finds in the restored home, and whether somebody outside has a newer one."""
    from lakehouse.core.home_format import FORMAT
    from lakehouse.pipeline.fsck import fsck
    from lakehouse.pipeline.outside_heads import newer_copy_outside

    if number < FORMAT:
        cli.notice(f"the backup has format {number}: livinglab upgrade, then livinglab fsck")
        return {"clean": None, "findings": [], "newer": None}
    site = cli.open(replay=False)
    walked, newer = fsck(site, cli.notice, cli.progress).as_json(), newer_copy_outside(site)
    if newer:
        cli.notice(f"{newer['what']}: {newer['remedy']}")
    return {"clean": walked["clean"], "findings": walked["findings"], "newer": newer}


def _home(cli: "CliContext") -> Path:
    from lakehouse.sites import home_path

    return home_path(cli.home)


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    findings = "; ".join(f"{own['kind']} ({own['place']})" for own in fields["findings"])
    return {
        **fields,
        "findings": findings or "none",
        "newer": (fields["newer"] or {}).get("what", "none known"),
    }
