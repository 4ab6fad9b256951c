"""Computes figures.json with PyTorch: python figures.py > figures.json

Weights, images and labels come from the formula of fixtures.ts; the dropout masks from a port of draw.ts.
"""
import json
import math

import torch
import torch.nn.functional as F

M = 0xFFFFFFFF


def fmix32(h):
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & M
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & M
    return h ^ (h >> 16)


def fnv1a32(text, state=0x811C9DC5):
    for byte in text.encode():
        state = ((state ^ byte) * 0x01000193) & M
    return state


def uniform(name, n):
    key = fnv1a32(SALT + name)
    return torch.tensor([2 * fmix32((key + i) & M) / 2**32 - 1 for i in range(n)], dtype=torch.float64)


def draw(*parts):
    def key(*parts):
        h = 0x9747B28C
        for part in parts:
            text = part if isinstance(part, str) else f"#{part}"
            h = fmix32(fnv1a32(text, h ^ len(text)))
        return h

    a, b, c = key(*parts, "a"), key(*parts, "b"), key(*parts, "c")
    counter, made = 1, 0
    while True:
        t = (a + b + counter) & M
        counter = (counter + 1) & M
        a = b ^ (b >> 9)
        b = (c + (c << 3)) & M
        c = (((c << 21) & M | (c >> 11)) + t) & M
        made += 1
        if made > 12:
            yield t / 2**32


def pad(x, kernel, stride, padding, value=0.0):
    """Pads NCHW images; `same` puts what is odd at the bottom and the right."""
    around = []
    for length, k in ((x.shape[3], kernel[1]), (x.shape[2], kernel[0])):
        if padding == "same":
            total = max(0, (math.ceil(length / stride) - 1) * stride + k - length)
            around += [total // 2, total - total // 2]
        else:
            around += [padding, padding]
    return F.pad(x, around, value=value)


class Model:
    def __init__(self, network):
        self.network, self.tensors = network, {}
        self.training, self.step = False, 0
        with torch.no_grad():
            self.apply(network["blocks"], torch.zeros(2, 3, network["height"], network["width"]))
        for name, tensor in self.tensors.items():
            tensor.requires_grad_(not name.rsplit(".", 1)[-1].startswith("running"))

    def tensor(self, block, part, shape):
        name = f"{block['name']}.{part}"
        if name not in self.tensors:
            u = uniform(name, math.prod(shape))
            if part == "running_mean":
                u = 0.1 * u
            elif part == "running_var":
                u = 1 + 0.5 * u.abs()
            elif len(shape) > 1:
                u = math.sqrt(6 / math.prod(shape[1:])) * u
            elif part == "weight":
                u = 1 + 0.1 * u
            else:
                u = 0.1 * u
            self.tensors[name] = u.float().reshape(shape)
        return self.tensors[name]

    def apply(self, blocks, x):
        for block in blocks:
            x = self.one(block, x)
        return x

    def one(self, b, x):
        kind, channels = b["_tag"], x.shape[1]
        bias = lambda n: self.tensor(b, "bias", [n]) if b["bias"] else None
        if kind == "Conv2d":
            weight = self.tensor(b, "weight", [b["filters"], channels, *b["kernel"]])
            return F.conv2d(pad(x, b["kernel"], b["stride"], b["padding"]), weight, bias(b["filters"]), b["stride"])
        if kind == "DepthwiseConv2d":
            weight = self.tensor(b, "weight", [channels, 1, *b["kernel"]])
            x = pad(x, b["kernel"], b["stride"], b["padding"])
            return F.conv2d(x, weight, bias(channels), b["stride"], groups=channels)
        if kind == "BatchNorm":
            weight, offset, mean, variance = (
                self.tensor(b, part, [channels]) for part in ("weight", "bias", "running_mean", "running_var")
            )
            return F.batch_norm(x, mean, variance, weight, offset, self.training, b["momentum"], b["eps"])
        if kind == "Activation":
            return F.relu(x) if b["kind"] == "relu" else F.relu6(x)
        if kind == "MaxPool":
            size, stride = b["size"], b["stride"]
            return F.max_pool2d(pad(x, [size, size], stride, b["padding"], -math.inf), size, stride)
        if kind == "GlobalAveragePool":
            return x.mean((2, 3))
        if kind == "Flatten":
            return x.flatten(1)
        if kind == "Dense":
            return F.linear(x, self.tensor(b, "weight", [b["units"], channels]), bias(b["units"]))
        if kind == "Dropout":
            if not self.training:
                return x
            random = draw(SEED, self.step, "dropout", b["name"])
            mask = [0 if next(random) < b["rate"] else 1 / (1 - b["rate"]) for _ in range(x.numel())]
            if x.dim() == 4:  # drawn in NHWC order
                n, c, h, w = x.shape
                return x * torch.tensor(mask).reshape(n, h, w, c).permute(0, 3, 1, 2)
            return x * torch.tensor(mask).reshape(x.shape)
        if kind == "Residual":
            return x + self.apply(b["blocks"], x)
        if kind == "Heads":
            return torch.cat([self.apply(head["blocks"], x) for head in b["heads"]], 1)
        raise ValueError(kind)


SALT, SEED, STEPS = "contract-", 7, 5
LAYER = {"bias": True, "init": "torch"}
BARE = {"bias": False, "init": "torch"}
NORM = {"_tag": "BatchNorm", "eps": 1e-5, "momentum": 0.1}
RELU, RELU6 = {"_tag": "Activation", "kind": "relu"}, {"_tag": "Activation", "kind": "relu6"}
NETWORKS = {
    # Every block but Flatten; odd and even sizes, padding by number and `same`, with an odd pixel and without.
    "mobile": {
        "name": "mobile", "height": 21, "width": 14, "classes": 5,
        "blocks": [
            {"_tag": "Conv2d", "name": "stem", "filters": 6, "kernel": [3, 2], "stride": 2, "padding": 1, **BARE},
            {**NORM, "name": "stemNorm"},
            RELU6,
            {"_tag": "Residual", "blocks": [
                {"_tag": "Conv2d", "name": "expand", "filters": 10, "kernel": [1, 1], "stride": 1, "padding": 0, **BARE},
                {**NORM, "name": "expandNorm"},
                RELU6,
                {"_tag": "DepthwiseConv2d", "name": "depth", "kernel": [3, 5], "stride": 1, "padding": "same", **BARE},
                {**NORM, "name": "depthNorm", "eps": 1e-3, "momentum": 0.3},
                RELU6,
                {"_tag": "Conv2d", "name": "project", "filters": 6, "kernel": [1, 1], "stride": 1, "padding": 0, **BARE},
                {**NORM, "name": "projectNorm"},
            ]},
            {"_tag": "MaxPool", "size": 3, "stride": 2, "padding": "same"},
            {"_tag": "DepthwiseConv2d", "name": "depth2", "kernel": [3, 3], "stride": 2, "padding": "same", **LAYER},
            RELU,
            {"_tag": "Conv2d", "name": "mix", "filters": 8, "kernel": [2, 3], "stride": 1, "padding": "same", **LAYER},
            {"_tag": "Dropout", "name": "pixels", "rate": 0.1},
            {"_tag": "MaxPool", "size": 2, "stride": 1, "padding": 1},
            {"_tag": "DepthwiseConv2d", "name": "depth3", "kernel": [3, 3], "stride": 2, "padding": 1, **BARE},
            {"_tag": "GlobalAveragePool"},
            {"_tag": "Dense", "name": "hidden", "units": 9, **BARE},
            {**NORM, "name": "hiddenNorm"},
            RELU,
            {"_tag": "Dense", "name": "head", "units": 5, **LAYER},
        ],
    },
    "plain": {
        "name": "plain", "height": 11, "width": 8, "classes": 4,
        "blocks": [
            {"_tag": "Conv2d", "name": "conv", "filters": 7, "kernel": [3, 3], "stride": 1, "padding": 0, **LAYER},
            RELU,
            {"_tag": "MaxPool", "size": 2, "stride": 2, "padding": 0},
            {"_tag": "Flatten"},
            {"_tag": "Dense", "name": "fc1", "units": 12, **LAYER},
            RELU,
            {"_tag": "Dropout", "name": "dropout", "rate": 0.3},
            {"_tag": "Dense", "name": "fc2", "units": 4, **LAYER},
        ],
    },
}
# As `plain`, with what reaches both ends of relu6.
NETWORKS["capped"] = {**NETWORKS["plain"], "name": "capped", "blocks": [
    RELU6 if block == RELU else block for block in NETWORKS["plain"]["blocks"]
]}
SGD = {"kind": "sgd", "learningRate": 0.02}
ADAM = {"kind": "adam", "learningRate": 0.01}
CLASSES = [0.5, 2.0, 1.0, 1.5]
CASES = [
    {"name": "every block", "network": "mobile", "batch": 6, **SGD, "momentum": 0.9, "nesterov": True, "weightDecay": 1e-3},
    {"name": "relu6 at both ends", "network": "capped", "batch": 5, "gain": 6, "kind": "sgd", "learningRate": 0.001},
    {"name": "sgd", "network": "plain", "batch": 5, **SGD},
    {"name": "sgd with momentum, dampening and weight decay", "network": "plain", "batch": 5, **SGD, "momentum": 0.8,
     "dampening": 0.3, "weightDecay": 0.05},
    {"name": "sgd with Nesterov momentum", "network": "plain", "batch": 5, **SGD, "momentum": 0.9, "nesterov": True},
    {"name": "adam", "network": "plain", "batch": 5, **ADAM},
    {"name": "adam with its own betas, eps and weight decay", "network": "plain", "batch": 5, **ADAM, "beta1": 0.8,
     "beta2": 0.95, "eps": 1e-3, "weightDecay": 0.05},
    {"name": "adamw", "network": "plain", "batch": 5, **ADAM, "kind": "adamw", "weightDecay": 0.2},
    {"name": "lion", "network": "plain", "batch": 5, "kind": "lion", "learningRate": 0.004, "beta2": 0.99,
     "weightDecay": 0.1},
    {"name": "label smoothing", "network": "plain", "batch": 5, **SGD, "labelSmoothing": 0.15},
    {"name": "class weights", "network": "plain", "batch": 5, **SGD, "classWeights": CLASSES},
    {"name": "clipping by norm", "network": "plain", "batch": 5, **SGD, "clipNorm": 0.5},
    {"name": "clipping by value", "network": "plain", "batch": 5, **SGD, "clipValue": 0.05},
    {"name": "smoothing, class weights and both clippings", "network": "plain", "batch": 5, **SGD,
     "labelSmoothing": 0.1, "classWeights": CLASSES, "clipNorm": 1.0, "clipValue": 0.08},
    {"name": "an average of weights and running figures", "network": "mobile", "batch": 6, **SGD, "momentum": 0.9,
     "ema": {"decay": 0.26, "everySteps": 1}},
    {"name": "an average every second step", "network": "plain", "batch": 5, **ADAM, "kind": "adamw", "weightDecay": 0.2,
     "ema": {"decay": 0.9, "everySteps": 2}},
    {"name": "two labels each", "network": "plain", "batch": 5, **SGD, "mix": [0.25, 1.0, 0.875, 0.0, 0.5]},
    {"name": "two labels each, smoothing and class weights", "network": "plain", "batch": 5, **SGD,
     "labelSmoothing": 0.1, "classWeights": CLASSES, "mix": [0.25, 1.0, 0.875, 0.0, 0.5]},
    {"name": "layer-wise decay, sgd with Nesterov momentum and weight decay", "network": "mobile", "batch": 6, **SGD,
     "momentum": 0.9, "nesterov": True, "weightDecay": 0.05, "layerDecay": 0.7},
    {"name": "layer-wise decay, adamw", "network": "plain", "batch": 5, **ADAM, "kind": "adamw", "weightDecay": 1,
     "layerDecay": 0.25},
    {"name": "layer-wise decay, lion", "network": "plain", "batch": 5, "kind": "lion", "learningRate": 0.004,
     "beta2": 0.99, "weightDecay": 1, "layerDecay": 0.25},
]

# From the input to the head: what layer-wise decay gives one rate.
GROUPS = {
    "mobile": [
        ["stem", "stemNorm"], ["expand", "expandNorm", "depth", "depthNorm", "project", "projectNorm"], ["depth2"],
        ["mix"], ["depth3"], ["hidden", "hiddenNorm"], ["head"],
    ],
    "plain": [["conv"], ["fc1"], ["fc2"]],
}


def groups(case, tensors):
    """The parameter groups of PyTorch's optimisers, with their rates."""
    trained = {name: t for name, t in tensors.items() if t.requires_grad}
    if "layerDecay" not in case:
        return list(trained.values())
    names = GROUPS[case["network"]]
    rate = lambda d: case["learningRate"] * case["layerDecay"] ** (len(names) - 1 - d)
    made = [{"params": [t for name, t in trained.items() if name.rsplit(".", 1)[0] in blocks], "lr": rate(d)}
            for d, blocks in enumerate(names)]
    assert sum(len(group["params"]) for group in made) == len(trained)
    return made


class Lion(torch.optim.Optimizer):
    """The update of the authors' own lion_pytorch.py (google/automl), which PyTorch does not have."""

    def __init__(self, trained, rate, betas, decay):
        super().__init__(trained, {"lr": rate, "betas": betas, "decay": decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["decay"])
                p.add_(torch.sign(mean * beta1 + p.grad * (1 - beta1)), alpha=-group["lr"])
                mean.mul_(beta2).add_(p.grad, alpha=1 - beta2)


class Holder(torch.nn.Module):
    """The same storage as the model's tensors, for AveragedModel."""

    def __init__(self, tensors):
        super().__init__()
        for name, tensor in tensors.items():
            if tensor.requires_grad:
                self.register_parameter(name.replace(".", "/"), torch.nn.Parameter(tensor.detach()))
            else:
                self.register_buffer(name.replace(".", "/"), tensor)


def averaged(model, ema):
    """TensorFlow's decay by the moves before; AveragedModel's first call copies, and counts as one."""

    def decayed(average, value, n):
        decay = min(ema["decay"], (1 + n - 1) / (10 + n - 1))
        return decay * average + (1 - decay) * value

    average = torch.optim.swa_utils.AveragedModel(Holder(model.tensors), avg_fn=decayed, use_buffers=True)
    average.update_parameters(Holder(model.tensors))
    return average


def one_column(case, classes):
    """The loss of logits with one column of labels, by the formula, and these labels."""
    n = case["batch"]
    labels = ((uniform("labels", n) + 1) / 2 * classes).floor().long()
    weights = torch.tensor(case["classWeights"]) if "classWeights" in case else None
    target = labels
    if "mix" in case:
        share = torch.tensor(case["mix"])[:, None]
        first, second = (F.one_hot(y, classes).float() for y in (labels, labels.roll(1)))
        target = share * first + (1 - share) * second
    return labels.tolist(), lambda logits: F.cross_entropy(
        logits, target, weights, label_smoothing=case.get("labelSmoothing", 0)
    )


def run(case, networks=NETWORKS, loss_of=one_column):
    network = networks[case["network"]]
    height, width, classes, n = network["height"], network["width"], network["classes"], case["batch"]
    model = Model(network)
    images = (case.get("gain", 1) * uniform("input", n * height * width * 3)).float().reshape(n, height, width, 3).permute(0, 3, 1, 2).contiguous()
    labels, criterion = loss_of(case, classes)
    trained = [t for t in model.tensors.values() if t.requires_grad]
    decay = case.get("weightDecay", 0)
    if case["kind"] == "sgd":
        optimizer = torch.optim.SGD(groups(case, model.tensors), case["learningRate"], case.get("momentum", 0), case.get("dampening", 0),
                                    decay, case.get("nesterov", False))
    elif case["kind"] == "lion":
        optimizer = Lion(groups(case, model.tensors), case["learningRate"], (case.get("beta1", 0.9), case["beta2"]), decay)
    else:
        make = torch.optim.Adam if case["kind"] == "adam" else torch.optim.AdamW
        optimizer = make(groups(case, model.tensors), case["learningRate"], (case.get("beta1", 0.9), case.get("beta2", 0.999)),
                         case.get("eps", 1e-8), decay)
    ema = case.get("ema")
    average = ema and averaged(model, ema)

    def average_tensors():
        return {name.removeprefix("module.").replace("/", "."): t.detach() for name, t in average.state_dict().items()
                if name != "n_averaged"}

    def predict():
        model.training = False
        raw = model.tensors
        if average:
            model.tensors = average_tensors()
        with torch.no_grad():
            logits = numbers(model.apply(network["blocks"], images))
        model.tensors = raw
        return logits

    figures = {"labels": labels, "logitsBefore": predict(), "losses": [], "gradientNorms": []}
    for step in range(STEPS):
        model.training, model.step = True, step
        logits = model.apply(network["blocks"], images)
        if step == 0:
            figures["trainingLogits"] = numbers(logits)
        loss = criterion(logits)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(trained, case.get("clipNorm", math.inf))
        if "clipValue" in case:
            torch.nn.utils.clip_grad_value_(trained, case["clipValue"])
        optimizer.step()
        if ema and (step + 1) % ema["everySteps"] == 0:
            average.update_parameters(Holder(model.tensors))
        figures["losses"].append(rounded(loss.item()))
        figures["gradientNorms"].append(rounded(norm.item()))
    figures["logitsAfter"] = predict()

    def summary(tensors):
        return {
            name: {"norm": rounded(t.detach().double().norm().item()), "first": numbers(t.flatten()[:6])}
            for name, t in tensors.items()
        }

    figures["weightsAfter"] = summary(model.tensors)
    if average:
        figures["averageAfter"] = summary(average_tensors())
    return {**case, "figures": figures}


def rounded(x):
    return float(f"{x:.7g}")


def numbers(tensor):
    return [rounded(x) for x in tensor.detach().flatten().tolist()]


def write(parts, cases):
    print("{")
    for key, value in parts.items():
        print(f"  {json.dumps(key)}: {json.dumps(value)},")
    print('  "cases": [')
    print(",\n".join("    " + json.dumps(case) for case in cases))
    print("  ]\n}")


if __name__ == "__main__":
    write({"salt": SALT, "seed": SEED, "networks": NETWORKS}, map(run, CASES))
