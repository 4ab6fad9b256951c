# An export with `--format saved-model --input uint8 --output probabilities`:
# python saved-model.py RUN/export/saved-model photo.jpg
import json
import sys

import tensorflow as tf

signatures = tf.saved_model.load(sys.argv[1]).signatures
about = json.loads(signatures["metadata"]()["weft"].numpy())
how = about["preprocessing"]
kernel = "lanczos3" if how["kernel"] == "lanczos" else how["kernel"]
photo = tf.io.decode_image(tf.io.read_file(sys.argv[2]), channels=3, expand_animations=False)
resized = tf.image.resize(photo, (how["height"], how["width"]), kernel, antialias=True)
images = tf.cast(tf.clip_by_value(tf.round(resized), 0, 255), tf.uint8)[None]
probabilities = signatures["serving_default"](images=images)["probabilities"].numpy()[0]
best = probabilities.argmax()
print(about["labels"][best], f"{probabilities[best]:.4f}")
