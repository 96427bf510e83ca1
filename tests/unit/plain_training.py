"""Models without Concrete ML, their tables without Spark: for tests of who may be learnt from, and when."""

import json
from dataclasses import dataclass, field

from lakehouse.adapters.fhe_client import ModelsEnvironment, TrainedFiles, TrainingRows
from lakehouse.core.linear_model import LinearModel, ModelFeature, Quantisation
from lakehouse.core.model_card import FIGURES
from lakehouse.core.model_recipe import ModelRecipe
from lakehouse.pipeline.site import Site
from lakehouse.pipeline.writing import TableWrite, write_tables
from tests.unit.model_people import people_of, walks_of

PEOPLE, WALKS = "silver.gait_people", "silver.gait_features"


@dataclass(frozen=True)
class PlainTraining:
    """The models environment whose training is a mean a feature; `people`: how many each training saw."""

    models: ModelsEnvironment
    people: list[int] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.models, name)

    def require(self) -> None:
        """It needs no environment."""

    def train(self, recipe: ModelRecipe, rows: TrainingRows) -> TrainedFiles:
        self.people.append(len(rows.positive))
        columns = [
            [value for value in column if value is not None] for column in zip(*rows.values, strict=True)
        ]
        means = [sum(column) / len(column) for column in columns]
        document = fitted(recipe, means).as_document()
        files = {"model.json": json.dumps(document).encode(), "client.zip": b"", "server.zip": b""}
        return TrainedFiles(files=files, figures=dict.fromkeys(FIGURES, 0.5))


def fitted(recipe: ModelRecipe, means: list[float]) -> LinearModel:
    features = tuple(
        ModelFeature(name=own.name, unit=own.unit, low=own.low, high=own.high, mean=mean, scale=1.0)
        for own, mean in zip(recipe.features, means, strict=True)
    )
    quantised = Quantisation(
        bits=8,
        input_scale=1.0,
        input_zero=0,
        weights=(0,) * len(means),
        weight_zero=0,
        bias=0,
        output_scale=1.0,
        output_zero=0,
    )
    return LinearModel(
        name=recipe.name,
        clip=4.0,
        intercept=0.0,
        features=features,
        coefficients=(0.1,) * len(means),
        quantisation=quantised,
    )


def write_silver(site: Site, run: str, people: int = 40) -> None:
    """Write both tables of the recipe as `refine` leaves them under the contracts of the site."""
    known = site.vault.subjects_for("gaitpdb", [f"GaPt{number:02}" for number in range(people)])
    subjects = list(known.values())
    read: list[int] = []
    for table, rows in ((PEOPLE, people_of(subjects)), (WALKS, walks_of(subjects))):
        details = {"contract": site.contracts.by_table[table].digest}
        write = TableWrite(table=table, rows=rows, mode="overwrite", details=details)
        (version,) = write_tables(
            site, verb="refine", run_key=f"{run} {table}", writes=[write], inputs=list(read)
        )
        read.append(version.leaf)
