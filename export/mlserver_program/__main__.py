"""A program: an ONNX file behind MLServer, a server of the Open Inference Protocol.

python FOLDER '{"name": ..., "file": ..., "inputs": [...], "outputs": [...], "host": ..., ...}'
"""

import asyncio
import json
import logging
import sys

import onnxruntime
from mlserver import MLModel, MLServer, ModelSettings, Settings
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceResponse, MetadataTensor, ResponseOutput


class OnnxModel(MLModel):
    """An ONNX file in ONNX Runtime, on the CPU."""

    async def load(self):
        """Opens the file."""
        self._session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, payload):
        """Answers one request; the loop is free meanwhile."""
        specs = {spec.name: spec for spec in self.settings.inputs}
        received = {tensor.name: tensor for tensor in payload.inputs}
        if {n: t.datatype for n, t in received.items()} != {
            n: s.datatype for n, s in specs.items()
        }:
            raise InferenceError(
                f"Expected inputs {_listed(specs.values())}. Received: {_listed(received.values())}"
            )
        try:
            feed = {name: NumpyCodec.decode_input(tensor) for name, tensor in received.items()}
            answers = await asyncio.to_thread(self._session.run, None, feed)
        except Exception as error:
            raise InferenceError(f"Expected tensors that the model takes: {error}") from error
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[
                ResponseOutput(
                    name=spec.name,
                    shape=answer.shape,
                    datatype=spec.datatype,
                    data=answer.ravel().tolist(),
                )
                for spec, answer in zip(self.settings.outputs, answers, strict=True)
            ],
        )


def _listed(tensors):
    return ", ".join(f"{tensor.name} of {tensor.datatype}" for tensor in tensors)


def _tensors(specs):
    return [MetadataTensor(**spec) for spec in specs]


def main(arguments):
    """Serves until the process is interrupted."""
    # One process: ONNX Runtime uses all processors, and answers from many threads at once.
    settings = Settings(
        host=arguments["host"],
        http_port=arguments["port"],
        grpc_port=arguments["grpc_port"],
        metrics_endpoint=None,
        parallel_workers=0,
        debug=False,
    )
    model = ModelSettings(
        name=arguments["name"],
        implementation=OnnxModel,
        inputs=_tensors(arguments["inputs"]),
        outputs=_tensors(arguments["outputs"]),
        parameters={"uri": arguments["file"]},
    )

    async def serve():
        await MLServer(settings).start([model])

    # Ctrl-C reaches uvicorn twice, which then reports that it was not waited for.
    logging.getLogger("uvicorn.error").addFilter(lambda r: "CancelledError" not in r.getMessage())
    asyncio.run(serve())


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
