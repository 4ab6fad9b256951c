"""Writes multilabel.json: scikit-learn's metrics of samples with several classes each, for multilabel.test.ts.

python test/metrics/multilabel.py > test/metrics/multilabel.json, with scikit-learn (which brings scipy).
"""

import json
import warnings

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import expit
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    hamming_loss,
    log_loss,
    precision_recall_curve,
    precision_recall_fscore_support,
)

warnings.filterwarnings("ignore")


def binary_cross_entropy(labels, logits):
    # logaddexp(0, x) - x y is -y log p - (1 - y) log(1 - p).
    return float((np.logaddexp(0, logits) - logits * labels).mean())


def case(note, samples, classes, seed, rates, signal, thresholds):
    random = np.random.default_rng(seed)
    labels = (random.random((samples, classes)) < rates).astype(int)
    logits = random.normal(size=(samples, classes)) * 1.5 - 0.8 + signal * labels
    logits = np.round(logits, 1 if note == "ties" else 3).astype(np.float32).astype(np.float64)
    scores = expit(logits)
    predicted = (scores >= thresholds).astype(int)
    averaged = {
        average: dict(
            zip(
                ("precision", "recall", "f1"),
                map(float, precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)[:3]),
            )
        )
        for average in ("weighted", "macro", "micro")
    }
    per_class = precision_recall_fscore_support(labels, predicted, average=None, zero_division=0)
    there = labels.sum(axis=0) > 0
    precisions = [
        float(average_precision_score(labels[:, c], scores[:, c])) if there[c] else None for c in range(classes)
    ]
    best = []
    for c in range(classes):
        if not there[c]:
            best.append(None)
            continue
        precision, recall, _ = precision_recall_curve(labels[:, c], scores[:, c])
        with np.errstate(invalid="ignore"):
            best.append(float(np.nanmax(2 * precision * recall / (precision + recall))))
    fitted = minimize_scalar(
        lambda beta: binary_cross_entropy(labels, beta * logits), bounds=(0.01, 100), method="bounded", options={"xatol": 1e-10}
    )
    return {
        "note": note,
        "classes": classes,
        "labels": labels.ravel().tolist(),
        "logits": logits.ravel().tolist(),
        "thresholds": thresholds.tolist(),
        "accuracy": float(accuracy_score(labels, predicted)),
        "hammingLoss": float(hamming_loss(labels, predicted)),
        "loss": binary_cross_entropy(labels, logits),
        "lossByLogLoss": float(np.mean([log_loss(labels[:, c], scores[:, c], labels=[0, 1]) for c in range(classes)])),
        **averaged,
        "perClass": [
            {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)} for p, r, f, s in zip(*per_class)
        ],
        "averagePrecisions": precisions,
        "macroAveragePrecision": float(average_precision_score(labels[:, there], scores[:, there], average="macro")),
        "weightedAveragePrecision": float(average_precision_score(labels[:, there], scores[:, there], average="weighted")),
        "bestF1": best,
        "temperature": float(1 / fitted.x),
    }


cases = [
    case("plain", 120, 5, 1, np.array([0.5, 0.3, 0.2, 0.15, 0.4]), 1.6, np.full(5, 0.5)),
    case("own thresholds", 90, 4, 2, np.array([0.6, 0.25, 0.2, 0.3]), 1.2, np.array([0.7, 0.2, 0.35, 0.5])),
    case("a class without samples, one never predicted", 60, 4, 3, np.array([0.4, 0.0, 0.3, 0.2]), 1.0, np.array([0.4, 0.5, 1.0, 0.6])),
    case("ties", 100, 3, 4, np.array([0.5, 0.2, 0.35]), 0.7, np.array([0.5, 0.45, 0.3])),
]
print(json.dumps({"cases": cases}, indent=1))
