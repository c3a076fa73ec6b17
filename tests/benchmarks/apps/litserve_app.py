"""The programs for LitServe."""

import base64
import os
import sys
from pathlib import Path

import joblib
import litserve
import numpy as np


class Echo(litserve.LitAPI):
    def setup(self, device):
        pass

    def predict(self, data):
        return data


class Ridge(litserve.LitAPI):
    def setup(self, device):
        self.model = joblib.load(Path(os.environ["BENCH_MODELS"], "ridge.joblib"))

    def decode_request(self, request):
        return np.asarray(request["data"])

    def predict(self, data):
        return self.model.predict(data)

    def encode_response(self, output):
        return output.tolist()


class Raw(litserve.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return base64.b64decode(request["data"])

    def predict(self, data):
        return len(data)


if __name__ == "__main__":
    api = {"echo": Echo, "ridge": Ridge, "raw": Raw}[os.environ["BENCH_PROGRAM"]]()
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1", port=int(sys.argv[1]), num_api_servers=1, generate_client_file=False, log_level="warning"
    )
