"""Writes averagePrecision.json (oxfmt formats it): scikit-learn's numbers for scores with ties and absent classes."""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.metrics import average_precision_score


def case(note, scores, labels):
    classes = scores.shape[1]
    truth = np.eye(classes)[labels]
    present = [c for c in range(classes) if truth[:, c].any()]
    score = lambda average: average_precision_score(truth[:, present], scores[:, present], average=average)
    each = {c: average_precision_score(truth[:, c], scores[:, c]) for c in present}
    return {
        "note": note,
        "classes": classes,
        "labels": labels.tolist(),
        "scores": scores.ravel().tolist(),
        "perClass": [each.get(c) for c in range(classes)],
        "macro": score("macro"),
        "weighted": score("weighted"),
    }


def drawn(generator, samples, classes, signal, drawn_classes):
    # The higher a class, the more samples.
    labels = np.sqrt(generator.integers(0, drawn_classes**2, samples)).astype(int)
    logits = generator.normal(size=(samples, classes))
    logits[np.arange(samples), labels] += signal
    e = np.exp(logits)
    return e / e.sum(axis=1, keepdims=True), labels


generator = np.random.default_rng(20261127)
cases = []
scores, labels = drawn(generator, 40, 5, 1.5, 5)
cases.append(case("the first of five classes has no samples", scores, labels))
scores, labels = drawn(generator, 60, 4, 1.0, 4)
cases.append(case("many ties", np.round(scores, 1), labels))
scores, labels = drawn(generator, 30, 6, 0.5, 4)
cases.append(case("the last two classes have no samples", scores, labels))
cases.append(case("all scores are equal", np.full((7, 3), 0.25), np.array([0, 0, 0, 1, 1, 2, 0])))
scores, labels = drawn(generator, 25, 3, 9.0, 3)
cases.append(case("nearly all correct", scores, labels))
cases.append(case("one class", np.ones((4, 1)), np.zeros(4, int)))
out = {"scikit-learn": sklearn.__version__, "cases": cases}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out) + "\n")
