"""`demo`: the whole way once, from files to a proof that a stranger checks."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from lakehouse.adapters.site_file import read_site_file
from lakehouse.adapters.spark_session import require_engine
from lakehouse.cli.airflow_process import airflow_events, ended_early, failure_of
from lakehouse.cli.demo_input import choose_source, prepare_input
from lakehouse.cli.demo_progress import StepLines
from lakehouse.cli.demo_summary import show_summary
from lakehouse.cli.home_lock import hold_home
from lakehouse.cli.output import CliContext, context_of, replace_file
from lakehouse.errors import NotReady, NotVerified

if TYPE_CHECKING:
    from lakehouse.pipeline.site import Site

Document = dict[str, Any]
Result = TypeVar("Result")

VERBS = ("demo", "land", "refine", "publish", "train", "ask", "predict", "report")
QUESTION: Mapping[str, Any] = {
    "stat": "mean",
    "column": "stride_time_s",
    "on": "silver.gait_features",
    "by": ("age_band",),
    "epsilon": "0.5",
    "purpose": "research",
}
MODEL = "pd_screen"
MEANING: Mapping[str, str] = {
    "ask": "ask: a mean with noise",
    "predict": "predict: train and compile the model, score one input on ciphertext",
    "cosign": "cosign: ask the site's witnesses for their cosignatures",
    "prove": "prove: write a bundle and check it as a stranger would",
    "report": "report: the whole site in one page",
}
PROOF_FILE = "proof.json"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("demo")(run_demo)


def run_demo(
    context: typer.Context,
    source: Annotated[
        Path | None, typer.Option("--source", metavar="DIR", help="A folder with one folder a publisher.")
    ] = None,
    people: Annotated[
        int | None, typer.Option("--people", metavar="N", min=10, max=1000, help="Generate so many people.")
    ] = None,
) -> None:
    """Run the main job: input, every source and product DAG, an answer, a prediction, a proof, a report.

    Reads DIR (default: $LIVINGLAB_SHARED/data, else ../shared/data, else 60 generated people) and the drop
    zone; files of DIR stay as they are. Writes the home; an empty one initialises itself. Run again, or
    after it was stopped, it goes on where it was and lands nothing twice. It approves nothing.

    Example: livinglab demo --people 60
    """
    cli = context_of(context)
    chosen = choose_source(source, people)
    require_engine(read_site_file(cli.site_file).engine)
    site = cli.open(create=True)
    for verb in VERBS:
        site.actor.require(verb)
    with hold_home(site.home.path), StepLines.on_stderr() as steps:
        document = _main_job(cli, site, chosen, people, steps)
    cli.emit(document, lambda console: show_summary(console, document, site.home.path))
    if not document["verified"]:
        raise typer.Exit(NotVerified.exit_code)


def _main_job(
    cli: CliContext, site: "Site", source: Path | None, people: int | None, steps: StepLines
) -> Document:
    from lakehouse.pipeline.settle import settle_head

    seconds: dict[str, float] = {}
    started = time.monotonic()
    with _timed(seconds, "input"):
        given = prepare_input(site, source, people)
    for sentence in given.told:
        steps.say(sentence)
    document = _run_dags(cli, site, given.source, steps, seconds)
    document["answers"] = _step(steps, seconds, "ask", lambda: _ask(site, steps))
    document["prediction"], document["why"] = _step(steps, seconds, "predict", lambda: _predict(site))
    if site.log_policy.witnesses or site.log_policy.time_stamps:
        _step(steps, seconds, "cosign", lambda: settle_head(site, steps.say))
    proved = _step(steps, seconds, "prove", lambda: _prove(site, document))
    report = _step(steps, seconds, "report", lambda: _report(site))
    seconds["total"] = round(time.monotonic() - started, 1)
    return {**document, **proved, "report": report, "seconds": seconds}


def _run_dags(
    cli: CliContext, site: "Site", source: Path | None, steps: StepLines, seconds: dict[str, float]
) -> Document:
    """Run the DAGs in a process of their own; returns `batches`, `silver` (newest a table), `releases`."""
    log = site.home.place("airflow", "logs", "demo.log")
    arguments = ["--home", str(site.home.path)]
    arguments += ["--site", str(cli.site_file.absolute())] if cli.site_file else []
    arguments += ["--source", str(source)] if source else []
    batches: list[Document] = []
    silver: dict[str, Document] = {}
    releases: list[Document] = []
    steps.begin("starting Airflow and Spark")
    with airflow_events("run_demo", arguments, log) as events:
        last = ""
        for event in events:
            last = event["event"]
            if last == "failed":
                raise failure_of(event, log)
            _show_event(steps, event)
            if last == "ran":
                results = event["results"]
                batches += results.get("land", [])
                for refined in results.get("refine", []):
                    silver = with_refined(silver, refined)
                releases += results.get("publish", [])
                seconds[event["dag"]] = event["seconds"]
    if last != "finished":
        raise ended_early("Airflow ended before the DAGs had run", log)
    refined = sorted(silver.values(), key=lambda own: own["leaf"])
    return {"batches": batches, "silver": refined, "releases": releases}


def with_refined(known: Mapping[str, Document], results: Iterable[Document]) -> dict[str, Document]:
    """Return what is known of each silver table, by name, with newer results in it.

    A version that this demo wrote is no repeat because a later DAG confirms it.
    """
    merged = dict(known)
    for result in results:
        earlier = known.get(result["table"])
        if earlier is None or earlier["version"] != result["version"]:
            merged[result["table"]] = result
    return dict(sorted(merged.items()))


def _show_event(steps: StepLines, event: Mapping[str, Any]) -> None:
    match event["event"]:
        case "task":
            steps.begin(f"{event['dag']}: {event['task']}")
        case "ran":
            steps.done(event["dag"], event["seconds"])
        case "skipped":
            steps.say(f"{event['dag']} skipped: {event['why']}")


def _step(steps: StepLines, seconds: dict[str, float], name: str, work: Callable[[], Result]) -> Result:
    steps.begin(MEANING.get(name, name))
    with _timed(seconds, name):
        result = work()
    steps.done(name, seconds[name])
    return result


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds[name] = round(time.monotonic() - started, 1)


def _ask(site: "Site", steps: StepLines) -> list[Document]:
    """Ask the demo's question; a source without walks leaves nothing to ask about."""
    from lakehouse.core.question import Question
    from lakehouse.pipeline.answer import answer

    words = dict(QUESTION)
    question = Question.of(words.pop("stat"), words.pop("column"), **words)
    try:
        return [answer(site, question).as_json()]
    except NotReady as error:
        steps.say(f"nothing was asked: {error.message}")
        return []


def _predict(site: "Site") -> tuple[Document | None, str | None]:
    """Train and predict on an invented input; too few people, or no models environment, is a result."""
    from lakehouse.pipeline.predict import example_features, predict
    from lakehouse.pipeline.train import train

    try:
        trained = train(site, MODEL)
    except NotReady as error:
        return None, f"{error.message}; {error.remedy}"
    if trained.digest is None:
        return None, trained.why
    score = predict(site, MODEL, example_features(site, MODEL), encrypted=True)
    return {**score.as_json(), "repeated": trained.repeated}, None


def _prove(site: "Site", document: Document) -> Document:
    """Prove a published gold version, else another; keep the bundle and check it as a stranger would."""
    from lakehouse.pipeline.prove import prove
    from lakehouse.pipeline.verify import verify

    table = next((r["table"] for r in document["releases"] if r["state"] == "PUBLISHED"), None)
    proved = table or (*document["batches"], *document["silver"])[-1]["table"]
    proof = prove(site, proved)
    replace_file(site.home.place("reports", PROOF_FILE), proof.bundle, mode=0o644)
    data = site.lake.folder_of(table) if table else None
    verdict = verify(proof.bundle, site.log.trust, data=data)
    return {"checkpoint": proof.as_json()["checkpoint"], "verified": verdict.verified, "proved": proved}


def _report(site: "Site") -> str:
    from lakehouse.pipeline.report import write_report

    return str(write_report(site, None, site.home.place("reports")).files[0])
