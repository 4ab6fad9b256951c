# An export with `--format onnx --input uint8 --output probabilities`: python onnx.py RUN/export/onnx photo.jpg
import json
import sys

import numpy
import onnxruntime
from PIL import Image

session = onnxruntime.InferenceSession(f"{sys.argv[1]}/model.onnx")
about = json.loads(session.get_modelmeta().custom_metadata_map["weft"])
how = about["preprocessing"]
size, kernel = (how["width"], how["height"]), Image.Resampling[how["kernel"].upper()]
photo = Image.open(sys.argv[2]).convert("RGB").resize(size, kernel)
(probabilities,) = session.run(["probabilities"], {"images": numpy.asarray(photo)[None]})
best = probabilities[0].argmax()
print(about["labels"][best], f"{probabilities[0][best]:.4f}")
