"""`livinglab models` and `livinglab predict`: trained models, their cards, encrypted prediction."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.cli.command_list import SentenceGroup
from lakehouse.cli.output import context_of, print_facts, print_table, replace_file
from lakehouse.errors import NotVerified, UnreadableInput

if TYPE_CHECKING:
    from rich.console import Console

    from lakehouse.pipeline.predict import Prediction

LARGEST_INPUT = 1 << 20
ModelName = Annotated[str, typer.Argument(metavar="NAME", help="The model, as `livinglab models` lists it.")]

models_app = typer.Typer(cls=SentenceGroup, invoke_without_command=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands of this group."""
    app.add_typer(models_app, name="models")
    app.command("predict")(predict_score)


@models_app.callback()
def list_models(context: typer.Context) -> None:
    """List the trained models, show and check their cards and files.

    Alone it lists them with their figures. Reads the registry and the signed cards. Writes nothing.

    Example: livinglab models --json
    """
    if context.invoked_subcommand is not None:
        return
    from lakehouse.pipeline.model_cards import list_cards

    cli = context_of(context)
    cards = list_cards(cli.open())
    columns = ("name", "state", "consents_hold", "auc", "auc_interval", "baseline_auc", "digest")
    rows = [[_shown(card[name]) for name in columns] for card in cards]
    cli.emit({"models": cards}, lambda console: print_table(console, columns, rows))


@models_app.command("show")
def show_model(context: typer.Context, name: ModelName) -> None:
    """Show a model's card: features with unit and typical range, figures, limits, licence.

    Reads the registry and the signed card. Writes nothing.

    Example: livinglab models show pd_screen
    """
    from lakehouse.pipeline.model_cards import show_card

    cli = context_of(context)
    card = show_card(cli.open(), name)
    cli.emit(card, lambda console: _render_card(console, card))


@models_app.command("verify")
def verify_files(context: typer.Context, name: ModelName) -> None:
    """Check a model's leaf, signature, manifest and files; exit code 5 where one does not hold.

    Reads the log and the model's files. Writes nothing.

    Example: livinglab models verify pd_screen
    """
    from lakehouse.pipeline.model_registry import verify_model

    cli = context_of(context)
    result = verify_model(cli.open(), name)
    rows = [(check.name, "ok" if check.ok else "FAIL", check.why) for check in result.checks]
    cli.emit(result.as_json(), lambda console: print_table(console, ("check", "result", "why"), rows))
    if not result.verified:
        raise typer.Exit(NotVerified.exit_code)


@models_app.command("train")
def train_model(context: typer.Context, name: ModelName) -> None:
    """Train a model on consenting people, compile its encrypted twin, sign and log it (role engineer).

    Reads silver tables and consents; writes models/ of the home. The same data, consents and recipe
    give the same model. Example: livinglab models train pd_screen
    """
    from lakehouse.pipeline.train import train

    cli = context_of(context)
    with cli.progress(f"training {name}"):
        trained = train(cli.open(), name).as_json()
    cli.emit(trained, lambda console: _render_card(console, trained))


@models_app.command("example")
def write_example(
    context: typer.Context,
    name: ModelName,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The JSON file to write.")],
) -> None:
    """Write an invented input for `predict`: the middle of each typical range, nobody's values.

    Reads the signed card. Writes FILE.

    Example: livinglab models example pd_screen -o features.json
    """
    from lakehouse.pipeline.predict import example_features

    cli = context_of(context)
    features = example_features(cli.open(), name)
    replace_file(output, json.dumps(features, indent=2).encode() + b"\n")
    facts = {"file": str(output), "features": len(features)}
    cli.emit(facts, lambda console: print_facts(console, facts))


@models_app.command("retire")
def retire_model(
    context: typer.Context,
    name: ModelName,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")],
) -> None:
    """End the use of a model and destroy its secret key (role engineer or dpo).

    Reads the registry. Writes the registry and the log; the model's files stay as proof.

    Example: livinglab models retire pd_screen --reason "new insoles"
    """
    from lakehouse.pipeline.model_registry import retire_model as retire

    cli = context_of(context)
    row = retire(cli.open(), name, reason)
    facts = {"name": row["name"], "digest": row["digest"], "state": row["state"]}
    cli.emit(facts, lambda console: print_facts(console, facts))


def predict_score(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="MODEL", help="The model, for example pd_screen.")],
    input_file: Annotated[
        Path, typer.Option("--input", metavar="FILE", help="A JSON object: feature -> number.")
    ],
    encrypted: Annotated[
        bool, typer.Option("--encrypted", help="Compute on ciphertext in a process without the key.")
    ] = False,
) -> None:
    """Score one input; with --encrypted the computing process never sees the features (role analyst).

    Reads the input and the signed model; writes nothing but, once, the model's secret key.
    Research screening, not a diagnosis. Example: livinglab predict pd_screen --input f.json --encrypted
    """
    from lakehouse.pipeline.predict import predict

    cli = context_of(context)
    features = read_features(input_file)
    result = predict(cli.open(), name, features, encrypted=encrypted)
    cli.emit(result.as_json(), lambda console: print_facts(console, _prediction_facts(result)))


def read_features(path: Path) -> object:
    """Return the JSON of an input file; UnreadableInput where there is none."""
    try:
        if path.stat().st_size > LARGEST_INPUT:
            raise UnreadableInput(
                f"the input is larger than {LARGEST_INPUT} bytes", remedy='{"feature": number, ...}'
            )
        return json.loads(path.read_bytes(), object_pairs_hook=_unique)
    except OSError as problem:
        raise UnreadableInput("the input file cannot be read", remedy="check --input") from problem
    except (ValueError, RecursionError) as problem:
        raise UnreadableInput(
            "the input is not JSON, or names a feature twice", remedy='{"feature": number, ...}'
        ) from problem


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _prediction_facts(result: "Prediction") -> dict[str, object]:
    facts: dict[str, object] = {
        "score": f"{result.score:.4f} (probability; research screening, no diagnosis)"
    }
    if result.encrypted:
        equal = "equal to" if result.agreement else "NOT equal to"
        facts["encrypted"] = f"yes, {equal} the quantised clear score"
    else:
        facts["encrypted"] = "no"
    return {**facts, "took": f"{result.milliseconds:.1f} ms", "model": f"{result.name} {result.digest[:16]}"}


def _render_card(console: "Console", card: Mapping[str, object]) -> None:
    hidden = {"features", "walks"}
    print_facts(console, {name: _shown(value) for name, value in card.items() if name not in hidden})
    features = card.get("features")
    if isinstance(features, list):
        rows = [(own["name"], own["unit"], *own["typical"]) for own in features]
        print_table(console, ("feature", "unit", "low", "high"), rows, title="typical ranges")


def _shown(value: object) -> object:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return value
