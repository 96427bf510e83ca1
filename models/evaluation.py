"""How good a model is, counted by person: folds, AUC, its interval, what membership leaks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Rows of people who are only numbers: 0 to n_people - 1.

    values: (n_rows, n_features), NaN where unknown; person: (n_rows,); positive: (n_people,).
    """

    values: Floats
    person: Integers
    positive: Flags

    def of_people(self, chosen: Flags) -> Flags:
        """Return which rows belong to the chosen people, (n_rows,)."""
        return chosen[self.person]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standardiser:
    """Median for what is unknown, mean 0, deviation 1, clipped at `clip` deviations. Shapes (n_features,)."""

    median: Floats
    mean: Floats
    scale: Floats
    clip: float

    @classmethod
    def fit(cls, values: Floats, clip: float) -> "Standardiser":
        """Learn from training rows only; a column without any value, or constant, becomes 0."""
        known = np.where(np.isnan(values).all(axis=0), 0.0, values)
        median = np.nanmedian(known, axis=0)
        filled = np.where(np.isnan(known), median, known)
        deviation = filled.std(axis=0)
        return cls(
            median=median,
            mean=filled.mean(axis=0),
            scale=np.where(deviation > 0, deviation, 1.0),
            clip=clip,
        )

    def apply(self, values: Floats) -> Floats:
        """Return the model's inputs, (n_rows, n_features)."""
        filled = np.where(np.isnan(values), self.median, values)
        return np.clip((filled - self.mean) / self.scale, -self.clip, self.clip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A logistic model with the standardiser it was fitted behind."""

    standardiser: Standardiser
    logistic: LogisticRegression

    def inputs(self, values: Floats) -> Floats:
        """Return what the logistic model sees."""
        return self.standardiser.apply(values)

    def score(self, values: Floats) -> Floats:
        """Return probabilities, (n_rows,)."""
        return self.logistic.predict_proba(self.inputs(values))[:, 1]


def fit_logistic(training: TrainingSet, chosen: Flags, *, strength: float, clip: float) -> Fitted:
    """Fit on the rows of the chosen people alone; `strength` is the inverse of the L2 penalty."""
    rows = training.of_people(chosen)
    values, labels = training.values[rows], training.positive[training.person[rows]].astype(np.int64)
    standardiser = Standardiser.fit(values, clip)
    logistic = LogisticRegression(C=strength, max_iter=1000)
    return Fitted(standardiser=standardiser, logistic=logistic.fit(standardiser.apply(values), labels))


def fold_of_people(positive: Flags, folds: int, seed: int) -> Integers:
    """Return the fold in which each person is held out, (n_people,); stratified by label."""
    fold = np.empty(len(positive), dtype=np.int64)
    splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(positive, positive)):
        fold[held_out] = number
    return fold


def mean_by_person(scores: Floats, person: Integers, people: int) -> Floats:
    """Return one score a person, (n_people,); NaN for people without a row."""
    sums, counts = np.bincount(person, scores, people), np.bincount(person, minlength=people)
    return np.divide(sums, counts, out=np.full(people, np.nan), where=counts > 0)


def pair_wins(scores: Floats, positive: Flags) -> Floats:
    """Return who wins, (n_positive, n_negative): 1 where the positive person scores higher, 0.5 in a tie."""
    higher, lower = scores[positive][:, None], scores[~positive][None, :]
    return (higher > lower) + 0.5 * (higher == lower)


def bootstrap_interval(wins: Floats, draws: int, seed: int) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `wins` when people are drawn again with replacement."""
    random = np.random.default_rng(seed)
    rows, columns = wins.shape
    people = rows + columns
    counts = random.multinomial(people, np.full(people, 1 / people), size=draws).astype(np.float64)
    above, below = counts[:, :rows], counts[:, rows:]
    pairs = above.sum(axis=1) * below.sum(axis=1)
    kept = pairs > 0
    means = ((above @ wins) * below).sum(axis=1)[kept] / pairs[kept]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def membership_auc(fitted: Fitted, training: TrainingSet, trained_on: Flags) -> float:
    """Return how well a person's loss under the model tells who was trained on: 0.5 is not at all."""
    scores = np.clip(fitted.score(training.values), 1e-9, 1 - 1e-9)
    likelihood = np.where(training.positive[training.person], scores, 1 - scores)
    by_person = mean_by_person(np.log(likelihood), training.person, len(training.positive))
    return float(pair_wins(by_person, trained_on).mean())
