"""Checks an ONNX file with onnx's own checker, applies it with onnxruntime to noise, and prints what both found."""

import json
import sys

import numpy
import onnx
import onnxruntime

onnx.checker.check_model(onnx.load(sys.argv[1]), full_check=True)
session = onnxruntime.InferenceSession(sys.argv[1])
(images,) = session.get_inputs()
batch = numpy.fromfile(sys.argv[2], dtype=images.type[7:-1].replace("float", "float32"))
batch = batch.reshape([-1, *images.shape[1:]])
(output,) = session.get_outputs()
values = [session.run([output.name], {"images": part})[0] for part in (batch[:3], batch[3:])]
print(
    json.dumps(
        {
            "opsets": [one.version for one in onnx.load(sys.argv[1]).opset_import],
            "metadata": session.get_modelmeta().custom_metadata_map,
            "input": [images.name, images.type, images.shape],
            "output": [output.name, output.type, output.shape],
            "values": numpy.concatenate(values).ravel().tolist(),
        }
    )
)
