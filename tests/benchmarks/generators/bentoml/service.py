"""A service for BentoML."""

from pathlib import Path

import bentoml


@bentoml.service
class Service:
    def __init__(self):
        self.weights = Path(__file__).with_name("weights.bin").read_bytes()

    @bentoml.api
    def length(self) -> int:
        return len(self.weights)
