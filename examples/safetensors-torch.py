# An export of a mobilenet-v2 with `--format safetensors --names torchvision`:
# python safetensors-torch.py RUN/export/safetensors photo.jpg
import json
import sys

import numpy
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file
from torchvision.models import mobilenet_v2


def pad_as_tensorflow(convolution, inputs):
    """TensorFlow's `same`: the output is ceil(input / stride), and an odd pixel goes to the right and the bottom."""
    (images,) = inputs
    sides = []
    for axis in (1, 0):  # the width, then the height
        size, kernel, stride = images.shape[2 + axis], convolution.kernel_size[axis], convolution.stride[axis]
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        sides += [total // 2, total - total // 2]
    return torch.nn.functional.pad(images, sides)


file = f"{sys.argv[1]}/model.safetensors"
about = json.loads(safe_open(file, "pt").metadata()["export"])
how, labels = about["preprocessing"], about["labels"]
model = mobilenet_v2(num_classes=len(labels)).eval()
model.load_state_dict(load_file(file))
if about["network"]["padding"] == "same":  # torchvision's own padding would make another model of these weights
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.padding = (0, 0)
            layer.register_forward_pre_hook(pad_as_tensorflow)
size, kernel = (how["width"], how["height"]), Image.Resampling[how["kernel"].upper()]
photo = Image.open(sys.argv[2]).convert("RGB").resize(size, kernel)
image = (torch.from_numpy(numpy.array(photo)) / 255 - torch.tensor(how["mean"])) / torch.tensor(how["std"])
with torch.no_grad():
    logits = model(image.permute(2, 0, 1)[None].float())
probability, best = torch.softmax(logits / about["temperature"], dim=1).max(dim=1)
print(labels[best], f"{probability.item():.4f}")
