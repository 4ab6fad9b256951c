"""Computes resizeImages.json with PyTorch: python resizeImages.py > resizeImages.json"""
import json
import torch
import torch.nn.functional as F

torch.manual_seed(5)
CASES = [(2, 7, 5, 4, 3), (1, 5, 7, 11, 9), (2, 6, 5, 6, 13), (1, 13, 4, 3, 8)]
found = []
for n, height, width, to_height, to_width in CASES:
    images = torch.randn(n, 3, height, width)
    out = F.interpolate(images.double(), size=(to_height, to_width), mode="bicubic", antialias=True)
    nhwc = lambda x: [round(v, 6) for v in x.permute(0, 2, 3, 1).flatten().tolist()]
    found.append({"size": n, "from": [height, width], "to": [to_height, to_width], "images": nhwc(images), "resized": nhwc(out)})
print(json.dumps(found))
