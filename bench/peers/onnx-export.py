"""A request of the suite on standard input -> an ONNX file of the PyTorch peer's module, in evaluation form."""

import json
import sys

import torch
from pytorch import families, load_file, ours

request = json.load(sys.stdin)
work = request["workload"]
model = families[work["network"]["family"]](**work["network"])
ours(model, load_file(request["weights"]))
image = load_file(request["batch"])["image"].permute(0, 3, 1, 2).contiguous()
torch.onnx.export(model.eval(), (image,), sys.argv[1], input_names=["image"], output_names=["output"], opset_version=18, dynamo=False)
