"""Computes blocks.json with PyTorch: python blocks.py > blocks.json

Small networks of the blocks that MobileNetV3, EfficientNet, ConvNeXt and vision transformers have, trained for some steps
(`networks`, `cases`: as figures.json), and single blocks on images with NaN and infinities (`forward`).
"""
import json
import math

import torch
import torch.nn.functional as F

import figures
from figures import ADAM, BARE, LAYER, NORM, RELU, SALT, SEED, SGD, draw, one_column, run, uniform

INF, NAN = math.inf, math.nan
CURVES = {
    "relu": F.relu, "relu6": F.relu6, "sigmoid": torch.sigmoid, "silu": F.silu, "gelu": F.gelu,
    "hard-sigmoid": F.hardsigmoid, "hard-swish": F.hardswish,
}


class Model(figures.Model):
    def whole(self, name, shape):
        if name not in self.tensors:
            u = math.sqrt(6 / math.prod(shape[1:])) * uniform(name, math.prod(shape))
            self.tensors[name] = u.float().reshape(shape)
        return self.tensors[name]

    def one(self, b, x):
        kind = b["_tag"]
        channels = x.shape[1] if x.dim() == 4 else x.shape[-1]
        last = (lambda f: f(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)) if x.dim() == 4 else (lambda f: f(x))
        if kind == "Activation":
            return CURVES[b["kind"]](x)
        if kind == "Dense":
            weight = self.tensor(b, "weight", [b["units"], channels])
            bias = self.tensor(b, "bias", [b["units"]]) if b["bias"] else None
            return last(lambda x: F.linear(x, weight, bias))
        if kind == "LayerNorm":
            weight, bias = self.tensor(b, "weight", [channels]), self.tensor(b, "bias", [channels])
            return last(lambda x: F.layer_norm(x, [channels], weight, bias, b["eps"]))
        if kind == "LayerScale":
            return x * self.whole(b["name"], [channels, 1, 1])
        if kind == "StochasticDepth":
            if not self.training:
                return x
            random = draw(SEED, self.step, "dropout", b["name"])
            mask = [0 if next(random) < b["rate"] else 1 / (1 - b["rate"]) for _ in range(x.shape[0])]
            return x * torch.tensor(mask).reshape(-1, *[1] * (x.dim() - 1))
        if kind == "AdaptiveAveragePool":
            return F.adaptive_avg_pool2d(x, b["size"])
        if kind == "Gate":
            return x * self.apply(b["blocks"], x)
        if kind == "Tokens":
            return x.flatten(2).transpose(1, 2)
        if kind == "ClassToken":
            return torch.cat([self.whole(b["name"], [1, 1, channels]).expand(x.shape[0], -1, -1), x], 1)
        if kind == "PositionEmbedding":
            return x + self.whole(b["name"], [1, x.shape[1], channels])
        if kind == "Attention":
            parts = [("in_proj_weight", [3 * channels, channels]), ("in_proj_bias", [3 * channels]),
                     ("out_proj.weight", [channels, channels]), ("out_proj.bias", [channels])]
            tensors = [self.tensor(b, part, shape) for part, shape in parts]
            y, _ = F.multi_head_attention_forward(
                *[x.transpose(0, 1)] * 3, channels, b["heads"], tensors[0], tensors[1], None, None, False, 0.0,
                tensors[2], tensors[3], training=self.training, need_weights=False)
            return y.transpose(0, 1)
        if kind == "FirstToken":
            return x[:, 0]
        return super().one(b, x)


figures.Model = Model

conv = lambda name, filters, kernel, stride, padding, **rest: {
    "_tag": "Conv2d", "name": name, "filters": filters, "kernel": kernel, "stride": stride, "padding": padding,
    **LAYER, **rest}
depthwise = lambda name, kernel, stride, padding, **rest: {
    "_tag": "DepthwiseConv2d", "name": name, "kernel": kernel, "stride": stride, "padding": padding, **LAYER, **rest}
dense = lambda name, units: {"_tag": "Dense", "name": name, "units": units, **LAYER}
norm = lambda name: {**NORM, "name": name}
layer_norm = lambda name: {"_tag": "LayerNorm", "name": name, "eps": 1e-6}
act = lambda kind: {"_tag": "Activation", "kind": kind}
drop = lambda name, rate: {"_tag": "StochasticDepth", "name": name, "rate": rate}
attention = lambda name, heads: {"_tag": "Attention", "name": name, "heads": heads}
squeeze = lambda name, squeezed, channels, inner, outer: {"_tag": "Gate", "blocks": [
    {"_tag": "AdaptiveAveragePool", "size": [1, 1]},
    conv(f"{name}.fc1", squeezed, [1, 1], 1, 0), act(inner), conv(f"{name}.fc2", channels, [1, 1], 1, 0), act(outer)]}
residual = lambda *blocks: {"_tag": "Residual", "blocks": list(blocks)}
TOKENS, FIRST = {"_tag": "Tokens"}, {"_tag": "FirstToken"}
CLASS, PLACES = {"_tag": "ClassToken", "name": "token"}, {"_tag": "PositionEmbedding", "name": "encoder.places"}

NETWORKS = {
    # Gates of one pixel and of whole images, and every activation but gelu.
    "gated": {
        "name": "gated", "height": 13, "width": 10, "classes": 5,
        "blocks": [
            conv("stem", 6, [3, 2], 2, 1, bias=False), norm("stemNorm"), act("hard-swish"),
            residual(
                conv("expand", 10, [1, 1], 1, 0, bias=False), norm("expandNorm"), act("silu"),
                depthwise("depth", [5, 5], 1, 2, bias=False), norm("depthNorm"), act("silu"),
                squeeze("se", 3, 10, "silu", "sigmoid"),
                conv("project", 6, [1, 1], 1, 0, bias=False), norm("projectNorm"), drop("drop", 0.4),
            ),
            depthwise("depth2", [3, 3], 2, 1), RELU,
            squeeze("se2", 4, 6, "relu", "hard-sigmoid"),
            {"_tag": "Gate", "blocks": [conv("mask", 6, [3, 3], 1, 1), act("sigmoid")]},
            {"_tag": "GlobalAveragePool"},
            dense("hidden", 9), act("hard-swish"),
            {"_tag": "Dropout", "name": "dropout", "rate": 0.2},
            dense("head", 5),
        ],
    },
    "convnext": {
        "name": "convnext", "height": 17, "width": 13, "classes": 4,
        "blocks": [
            conv("stem", 5, [3, 2], 2, 0), layer_norm("stemNorm"),
            residual(
                depthwise("depth", [7, 7], 1, 3), layer_norm("depthNorm"), dense("wide", 20), act("gelu"),
                dense("narrow", 5), {"_tag": "LayerScale", "name": "scale", "initial": 1e-6}, drop("drop", 0.3),
            ),
            layer_norm("downNorm"), conv("down", 7, [2, 2], 2, 0),
            {"_tag": "GlobalAveragePool"}, layer_norm("lastNorm"), dense("head", 4),
        ],
    },
    "transformer": {
        "name": "transformer", "height": 11, "width": 8, "classes": 4,
        "blocks": [
            conv("patches", 8, [3, 2], 2, 0), TOKENS, CLASS, PLACES,
            {"_tag": "Dropout", "name": "dropout", "rate": 0.1},
            residual(layer_norm("norm1"), attention("attention1", 2), drop("drop1", 0.3)),
            residual(layer_norm("norm2"), dense("wide", 12), act("gelu"), dense("narrow", 8), drop("drop2", 0.3)),
            residual(layer_norm("norm3"), attention("attention2", 4)),
            FIRST, layer_norm("lastNorm"), dense("head", 4),
        ],
    },
    # Every token counts.
    "tokens": {
        "name": "tokens", "height": 5, "width": 4, "classes": 3,
        "blocks": [
            conv("patches", 6, [2, 1], 1, 0), TOKENS, act("silu"), residual(attention("attention", 3)), CLASS,
            {"_tag": "Flatten"}, dense("head", 3),
        ],
    },
}
CASES = [
    {"name": "gates", "network": "gated", "batch": 6, **SGD, "momentum": 0.9},
    {"name": "ConvNeXt's blocks", "network": "convnext", "batch": 5, **SGD, "momentum": 0.9, "nesterov": True},
    {"name": "ConvNeXt's blocks, adamw, clipped", "network": "convnext", "batch": 5, **ADAM, "kind": "adamw",
     "weightDecay": 0.1, "clipNorm": 0.5},
    {"name": "a transformer's blocks", "network": "transformer", "batch": 5, **SGD, "momentum": 0.9},
    {"name": "a transformer's blocks and an average", "network": "transformer", "batch": 5, **SGD,
     "ema": {"decay": 0.26, "everySteps": 1}},
    {"name": "tokens", "network": "tokens", "batch": 4, **SGD},
]

HEIGHT, WIDTH, CHANNELS = 4, 3, 3


def text(values):
    names = lambda x: "NaN" if math.isnan(x) else "Infinity" if x == INF else "-Infinity" if x == -INF else f"{x:.9g}"
    return " ".join(map(names, values))


def forward(*blocks):
    """Six images: whole numbers alone, then with NaN, with each infinity, with both, and large numbers."""
    x = 4 * uniform("special", 6 * HEIGHT * WIDTH * CHANNELS).reshape(6, HEIGHT, WIDTH, CHANNELS)
    x = x.round()
    for image, values in enumerate([[], [NAN], [INF], [-INF], [INF, -INF], [1e12, -1e12]]):
        for i, value in enumerate(values):
            x[image, 1 + i, 2 - i, i] = value
    model = Model.__new__(Model)
    model.tensors, model.training, model.step = {}, False, 0
    with torch.no_grad():
        # In float64: PyTorch's gelu in float32 makes NaN of infinity.
        y = x.permute(0, 3, 1, 2).contiguous()
        tensor = figures.Model.tensor
        model.tensor = lambda *rest: tensor(model, *rest).double()
        whole = figures.Model.whole
        model.whole = lambda *rest: whole(model, *rest).double()
        for block in blocks:
            y = model.one(block, y)
    y = y.permute(0, 2, 3, 1) if y.dim() == 4 else y
    return {"blocks": blocks, "images": text(x.flatten().tolist()), "output": text(y.flatten().tolist())}


FORWARD = [
    *[forward(act(kind)) for kind in CURVES],
    forward(squeeze("se", 2, CHANNELS, "relu", "hard-sigmoid")),
    forward({"_tag": "Gate", "blocks": [act("sigmoid")]}),
    forward(layer_norm("norm")),
    forward({"_tag": "LayerScale", "name": "scale", "initial": 1}),
    forward(dense("dense", 5)),
    forward(TOKENS, CLASS, PLACES),
    forward(TOKENS, dense("dense", 5), {"_tag": "Flatten"}),
    forward(TOKENS, attention("attention", 3)),
    forward(TOKENS, CLASS, layer_norm("norm"), FIRST),
    forward(TOKENS, {"_tag": "StochasticDepth", "name": "drop", "rate": 0.5}, FIRST),
]

if __name__ == "__main__":
    print("{")
    for key, value in {"salt": SALT, "seed": SEED, "networks": NETWORKS}.items():
        print(f"  {json.dumps(key)}: {json.dumps(value)},")
    for key, values in {"cases": [run(case, NETWORKS, one_column) for case in CASES], "forward": FORWARD}.items():
        print(f"  {json.dumps(key)}: [")
        print(",\n".join("    " + json.dumps(value) for value in values))
        print("  ]" + ("," if key == "cases" else ""))
    print("}")
