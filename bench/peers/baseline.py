"""scikit-learn's logistic regression and nearest neighbours on the features that bench/baseline.ts has written."""
import argparse, json, os, time
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
a = argparse.ArgumentParser()
a.add_argument("--folder", default=".weft/baseline")
a.add_argument("--rows", type=int, default=1_000_000)
a = a.parse_args()


def part(name):
    with open(f"{a.folder}/{name}.labels.json") as file:
        return np.load(f"{a.folder}/{name}.npy"), np.array(json.load(file))


(x, y), (xv, yv), (xt, yt) = part("train"), part("validation"), part("test")
x, y = x[:a.rows], y[:a.rows]
load = os.getloadavg()[0]
cpu = time.process_time()
classes = int(max(y.max(), yv.max(), yt.max())) + 1

# The vote of DINO's protocol: cosine, weights exp(similarity / 0.07); the number of neighbours by the validation part.
unit = lambda m: m / np.maximum(np.linalg.norm(m, axis=1, keepdims=True), 1e-12)
base = NearestNeighbors(n_neighbors=20, algorithm="brute", metric="cosine", n_jobs=2).fit(unit(x))


def votes(rows, k, distances, indexes):
    votes = np.zeros((rows, classes))
    np.add.at(votes, (np.arange(rows)[:, None], y[indexes[:, :k]]), np.exp(-distances[:, :k] / 0.07))
    return votes.argmax(1)


near = base.kneighbors(unit(xv))
k = max((5, 10, 20), key=lambda k: ((votes(len(xv), k, *near) == yv).mean(), -k))
begin = time.perf_counter()
nearest = votes(len(xt), k, *base.kneighbors(unit(xt)))
nearest_seconds = time.perf_counter() - begin

begin = time.perf_counter()
mean, std = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
scale = lambda m: ((m - mean) / np.where(std > 1e-6, std, np.inf)).astype(np.float32)
xs = scale(x)
tried = []
model = None
for strength in (0.1, 0.03, 0.01, 0.003, 0.001):
    # Each begins where the one before ended, as ours does.
    model = model or LogisticRegression(max_iter=1000, tol=1e-4, warm_start=True)
    model.set_params(C=1 / (strength * len(x)))
    model.fit(xs, y)
    tried.append((strength, int(model.n_iter_[0]), model.coef_.copy(), model.intercept_.copy()))
seconds = time.perf_counter() - begin
accuracy = lambda m, labels, w, b: float(((scale(m) @ w.T + b).argmax(1) == labels).mean())
best = max(tried, key=lambda one: accuracy(xv, yv, *one[2:]))
print(json.dumps({
    "load": round(load, 1), "processorSeconds": time.process_time() - cpu, "rows": len(x), "testRows": len(xt), "logisticSeconds": seconds, "nearestSeconds": nearest_seconds,
    "logisticAccuracy": accuracy(xt, yt, *best[2:]), "nearestAccuracy": float((nearest == yt).mean()),
    "logistic": [{"strength": s, "steps": n, "validationAccuracy": accuracy(xv, yv, w, b)} for s, n, w, b in tried],
    "nearest": k,
}))
