"""Fits the ranker's weights on the development pairs and prints them, with cross-validated accuracy.

Run: python tests/benchmarks/spelling_fit.py
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from essays.steps.candidates import Effort, candidates
from essays.steps.habits import WHOLE
from essays.steps.lexicon import lexicon_for
from essays.steps.ranking import features
from tests.benchmarks.spelling_pairs import Pair, open_pairs, own_pairs

Weights = dict[str, float]
ROUNDS = 200
STEP = 0.6
SHRINKAGE = 0.002
FOLDS = 5


@dataclass(frozen=True)
class Case:
    """The candidates of one misspelling as feature values, and which of them are right."""

    options: list[Mapping[str, float]]
    right: list[bool]


def main() -> None:
    """Fit each language, print accuracy on unseen folds and the final weights."""
    for language in ("en", "sv"):
        cases = load(language, open_pairs(language) + own_pairs(language)[::2])
        report(f"{language}: {len(cases)} cases, unseen folds {cross_validate(cases):.1%}", fit(cases))


def load(language: str, pairs: Sequence[Pair]) -> list[Case]:
    """Candidates with features for each pair whose correction is among them."""
    lexicon = lexicon_for(language)
    cases = []
    for wrong, right in pairs:
        if wrong.lower() in WHOLE[language]:
            continue  # answered without weights
        found = candidates(lexicon, wrong.lower(), Effort.EDITED)
        hits = [candidate.text in right for candidate in found]
        if any(hits):
            cases.append(Case([features(wrong.lower(), candidate, lexicon) for candidate in found], hits))
    return cases


def fit(cases: Sequence[Case]) -> Weights:
    """Maximise the likelihood of the right candidates (multinomial logistic regression)."""
    weights = dict.fromkeys(cases[0].options[0], 0.0)
    for _ in range(ROUNDS):
        gradient = dict.fromkeys(weights, 0.0)
        for case in cases:
            add_gradient(case, weights, gradient)
        for name in weights:
            weights[name] += STEP * (gradient[name] / len(cases) - SHRINKAGE * weights[name])
    return weights


def add_gradient(case: Case, weights: Weights, gradient: Weights) -> None:
    """Add the features the right candidates have over what the model expects."""
    scores = [dot(weights, option) for option in case.options]
    top = max(scores)
    masses = [math.exp(value - top) for value in scores]
    total = sum(masses)
    total_right = sum(mass for mass, right in zip(masses, case.right, strict=True) if right)
    for option, mass, right in zip(case.options, masses, case.right, strict=True):
        pull = (mass / total_right if right else 0.0) - mass / total
        for name, value in option.items():
            gradient[name] += pull * value


def cross_validate(cases: Sequence[Case]) -> float:
    """Share of cases answered rightly by weights fitted without them."""
    right = 0
    for fold in range(FOLDS):
        weights = fit([case for index, case in enumerate(cases) if index % FOLDS != fold])
        right += sum(answers(case, weights) for case in cases[fold::FOLDS])
    return right / len(cases)


def answers(case: Case, weights: Weights) -> bool:
    """Whether the best-scored candidate is right."""
    best = max(range(len(case.options)), key=lambda index: dot(weights, case.options[index]))
    return case.right[best]


def dot(weights: Mapping[str, float], option: Mapping[str, float]) -> float:
    """The linear score."""
    return sum(weights[name] * value for name, value in option.items())


def report(title: str, weights: Weights) -> None:
    """Print one set of weights."""
    lines = [title, *(f'        "{name}": {value:.2f},' for name, value in weights.items())]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
