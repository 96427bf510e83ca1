"""How `livinglab --help` lists the commands: by what people come for, each in one whole sentence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "The whole job": ("demo", "ui", "status"),
    "Data": ("sample", "fetch", "land", "refine", "quarantine", "publish", "optimise"),
    "Questions": ("tables", "describe", "query", "ask", "budget"),
    "The gate for people": ("releases", "approve", "reject", "withdraw"),
    "Models": ("models", "predict"),
    "Proof": ("prove", "trust", "verify", "paper", "log", "witness", "fsck"),
    "Keeping a home": ("backup", "restore", "upgrade", "move-stores"),
    "A person, a report, the rules": ("access", "consent", "report", "lineage", "contracts"),
}
LONGEST_SENTENCE = 160


class SentenceGroup(TyperGroup):
    """A group of commands, each listed in one whole sentence."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the commands below one another."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (name, self.commands[name].get_short_help_str(LONGEST_SENTENCE))
                    for name in self.list_commands(ctx)
                ]
            )


class SectionedGroup(TyperGroup):
    """The root command; what no section names stands under `More`."""

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """Write the commands section by section."""
        named = {name for names in SECTIONS.values() for name in names}
        more = tuple(name for name in self.list_commands(ctx) if name not in named)
        for title, names in {**SECTIONS, "More": more}.items():
            listed = [(name, self.commands[name].get_short_help_str(LONGEST_SENTENCE)) for name in names
                      if name in self.commands]  # fmt: skip
            if listed:
                with formatter.section(title):
                    formatter.write_dl(listed)
