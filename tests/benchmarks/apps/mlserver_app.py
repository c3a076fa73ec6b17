"""The programs for MLServer that its own runtimes do not have."""

from mlserver import MLModel
from mlserver.codecs import Base64Codec
from mlserver.types import InferenceResponse, ResponseOutput


class Echo(MLModel):
    async def predict(self, payload):
        outputs = [
            ResponseOutput(name=item.name, shape=item.shape, datatype=item.datatype, data=item.data)
            for item in payload.inputs
        ]
        return InferenceResponse(model_name=self.name, outputs=outputs)


class Raw(MLModel):
    async def predict(self, payload):
        (body,) = Base64Codec.decode_input(payload.inputs[0])
        output = ResponseOutput(name="length", shape=[1], datatype="INT64", data=[len(body)])
        return InferenceResponse(model_name=self.name, outputs=[output])
