"""The programs for mosec; with BENCH_BATCH, the ridge model takes as many requests at once as mosec gives it."""

import os
from pathlib import Path

import joblib
import numpy as np
from mosec import Server, Worker


class Text(Worker):
    """Leave the bytes of requests and answers alone."""

    def deserialize(self, data):
        return data

    def serialize(self, data):
        return data


class Echo(Text):
    def forward(self, data):
        return data


class Raw(Text):
    def forward(self, data):
        return b"%d" % len(data)


class Ridge(Worker):
    def __init__(self):
        self.model = joblib.load(Path(os.environ["BENCH_MODELS"], "ridge.joblib"))

    def forward(self, data):
        return self.model.predict(np.asarray(data["data"])).tolist()


class RidgeBatch(Ridge):
    def forward(self, data):
        arrays = [np.asarray(item["data"]) for item in data]
        found = self.model.predict(np.concatenate(arrays))
        ends = np.cumsum([len(array) for array in arrays])
        return [part.tolist() for part in np.split(found, ends[:-1])]


if __name__ == "__main__":
    server = Server()
    if os.environ.get("BENCH_BATCH"):
        # The shortest wait for more requests that mosec takes.
        server.append_worker(RidgeBatch, num=1, max_batch_size=64, max_wait_time=1)
    else:
        server.append_worker({"echo": Echo, "ridge": Ridge, "raw": Raw}[os.environ["BENCH_PROGRAM"]], num=1)
    server.run()
