"""Runs examples/safetensors-torch.py and prints, below what it prints, its logits as JSON.

python runExample.py EXAMPLE FOLDER PHOTO [MODULES]: MODULES is a folder with `tvfix`, which lets torchvision import beside
a CPU build of torch. Where the package `safetensors` is not installed, a reader of its format takes its place.
"""
import importlib.util
import json
import runpy
import struct
import sys
import types

example, folder, photo, *modules = sys.argv[1:]
if modules:
    sys.path.append(modules[0])
    import tvfix  # noqa: F401

import numpy
import torch


class Opened:
    """What `safe_open` gives, as far as the example asks."""

    def __init__(self, file, framework):
        with open(file, "rb") as stream:
            size = struct.unpack("<Q", stream.read(8))[0]
            self.header = json.loads(stream.read(size))
            self.bytes = stream.read()

    def metadata(self):
        return self.header["__metadata__"]

    def tensors(self):
        for name, about in self.header.items():
            if name == "__metadata__":
                continue
            start, end = about["data_offsets"]
            values = numpy.frombuffer(self.bytes[start:end], numpy.dtype("<f4")).reshape(about["shape"])
            yield name, torch.from_numpy(values.copy())


if importlib.util.find_spec("safetensors") is None:
    package, for_torch = types.ModuleType("safetensors"), types.ModuleType("safetensors.torch")
    package.safe_open = Opened
    for_torch.load_file = lambda file: dict(Opened(file, "pt").tensors())
    sys.modules |= {"safetensors": package, "safetensors.torch": for_torch}

sys.argv = [example, folder, photo]
result = runpy.run_path(example, run_name="__main__")
print(json.dumps(result["logits"][0].tolist()))
