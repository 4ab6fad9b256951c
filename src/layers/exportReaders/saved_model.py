"""Applies an exported SavedModel to batches in files; `python.ts` calls it with what to do, as JSON."""

import json
import sys

import numpy as np
import tensorflow as tf

task = json.loads(sys.argv[1])
serve = tf.saved_model.load(task["folder"]).signatures["serving_default"]
for batch in task["batches"]:
    images = np.fromfile(batch["file"], dtype=batch["type"]).reshape(batch["shape"])
    found = serve(images=tf.constant(images))
    for i, output in enumerate(task["outputs"]):
        found[output].numpy().astype("<f4").tofile(f"{batch['file']}.{i}.out")
print(tf.__version__)
