"""Computes teacher.json with PyTorch: python teacher.py > teacher.json

Hinton's loss: (1 - w) times the loss by the labels, and w T^2 times PyTorch's own `kl_div` of the teacher's
probabilities at the temperature T to the student's, over the rows whose label is known; in a column with several values
each class is a distribution of two. Of several teachers, the mean of their probabilities.
"""
import torch
import torch.nn.functional as F

import columns
from columns import LABELS, MIX, ONE, PRIORS, SEVERAL, TAGS, WEIGHTS
from figures import SALT, SEED, SGD, one_column, rounded, run, uniform, write
from figures import NETWORKS as SINGLE

NETWORKS = {"mobile": SINGLE["mobile"], **columns.NETWORKS}


def logits(name, rows, classes, scale=6):
    return [[rounded(x) for x in row] for row in (scale * uniform(name, rows * classes)).reshape(rows, classes).tolist()]


CLASSES = SINGLE["mobile"]["classes"]
BATCH = 5
ALONE = {"network": "mobile", "batch": BATCH}
FIRST, SECOND = logits("teacher", BATCH, CLASSES), logits("second teacher", BATCH, CLASSES)
BOTH = {**columns.BASE}
KIND, OTHER = logits("kind", len(LABELS), ONE), logits("other kind", len(LABELS), ONE)
OWN_TAGS = logits("tags", len(LABELS), SEVERAL)
CASES = [
    {"name": "a teacher", **ALONE, **SGD, "distillation": {"temperature": 4, "weight": 0.5}, "teacher": [[FIRST]]},
    {"name": "the teacher alone", **ALONE, **SGD, "weightDecay": 0.01, "distillation": {"temperature": 2.5, "weight": 1}, "teacher": [[FIRST]]},
    {"name": "two teachers, smoothing and class weights", **ALONE, **SGD, "momentum": 0.9, "labelSmoothing": 0.1,
     "classWeights": [0.5 + 0.25 * c for c in range(CLASSES)],
     "distillation": {"temperature": 0.75, "weight": 0.25}, "teacher": [[FIRST, SECOND]]},
    {"name": "mixed images", **ALONE, **SGD, "mix": [0.25, 1.0, 0.875, 0.0, 0.5],
     "distillation": {"temperature": 1, "weight": 0.7}, "teacher": [[FIRST]]},
    {"name": "two columns", **BOTH, **SGD, "distillation": {"temperature": 3, "weight": 0.4},
     "teacher": [[KIND, OTHER], [OWN_TAGS]]},
    {"name": "a teacher of one column", **BOTH, **SGD, "lossWeights": [0.5, 2.0],
     "distillation": {"temperature": 3, "weight": 0.4}, "teacher": [[], [OWN_TAGS]]},
    {"name": "everything", **BOTH, **SGD, **columns.ALL, "adjustment": PRIORS, "classWeights": WEIGHTS, "mix": MIX,
     "momentum": 0.9, "clipNorm": 1.0, "distillation": {"temperature": 2, "weight": 0.6},
     "teacher": [[KIND], [OWN_TAGS, OWN_TAGS[::-1]]]},
    {"name": "no known row of the first column", **{**BOTH, "known": [-1] * 6}, **SGD,
     "distillation": {"temperature": 2, "weight": 0.6}, "teacher": [[KIND], [OWN_TAGS]]},
]


def soft(student, teachers, known, several, temperature):
    """The mean of T^2 KL over rows (and, of several values, over classes), by how far each row is known."""
    if known.sum() == 0:
        return student.sum() * 0
    cooled, z = torch.tensor(teachers).double() / temperature, student.double() / temperature
    if several:
        p, own = cooled.sigmoid().mean(0), torch.stack([F.logsigmoid(z), F.logsigmoid(-z)])
        rows = F.kl_div(own, torch.stack([p, 1 - p]), reduction="none").sum(0).mean(1)
    else:
        rows = F.kl_div(F.log_softmax(z, 1), cooled.softmax(2).mean(0), reduction="none").sum(1)
    return (rows * known).sum() / known.sum() * temperature**2


def with_teacher(case, classes):
    weight, temperature = case["distillation"]["weight"], case["distillation"]["temperature"]
    if case["network"] == "mobile":
        labels, hard = one_column(case, classes)
        known = torch.ones(BATCH).double()
        return labels, lambda z: (1 - weight) * hard(z) + weight * soft(z, case["teacher"][0], known, False, temperature)
    first_weight, second_weight = case.get("lossWeights", [1, 1])
    labels, _ = columns.two_columns(case, classes)
    (_, known), (_, tagged) = columns.targets(case)

    def loss(z):
        parts = []
        for index, (factor, rows, several) in enumerate([(first_weight, known, False), (second_weight, tagged, True)]):
            teachers = case["teacher"][index]
            weights = [0.0, 0.0]
            weights[index] = 1.0
            hard = columns.two_columns({**case, "lossWeights": weights}, classes)[1](z)
            own = z[:, ONE:] if several else z[:, :ONE]
            parts.append(factor * (
                hard if not teachers else (1 - weight) * hard + weight * soft(own, teachers, rows, several, temperature)
            ))
        return sum(parts)

    return labels, loss


if __name__ == "__main__":
    write({"salt": SALT, "seed": SEED, "networks": NETWORKS}, (run(case, NETWORKS, with_teacher) for case in CASES))
