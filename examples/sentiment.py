"""Labelled sentences to a served model, in ten lines: `python examples/sentiment.py [DATA]`."""

import sys

from attnzoo import export, training

data = training.load_data(sys.argv[1] if len(sys.argv) > 1 else "demo")
history = training.fit("sentiment_classifier/tiny", data, recipe="demo", out="runs/example")
print(training.evaluate(history.pipeline, data.test or data.validation).accuracy)

print(export.to_artefact(history.pipeline, "runs/example-dist"))
predictor = export.load("runs/example-dist/onnx/model.onnx")
for prediction in predictor(["Not bad at all, I would go again.", "The soup was cold."]):
    print(prediction)
