"""Check which layers a rebuild makes again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .builders import Image, cached_steps

if TYPE_CHECKING:
    from .projects import Diabetes

pytestmark = [pytest.mark.engine, pytest.mark.network, pytest.mark.slow, pytest.mark.xdist_group("engine")]


def rebuild(image: Image, context: Path) -> list[str]:
    """Build another context and return the steps that ran again; the builder must name every step with files."""
    steps = cached_steps(image.builder.build(context, "diabetes:rebuilt"))
    files = {step: cached for step, cached in steps.items() if step.startswith(("COPY", "RUN"))}
    instructions = (context / "Dockerfile").read_text().splitlines()
    assert len(files) == len([line for line in instructions if line.startswith(("COPY", "RUN"))])
    return [step for step, cached in files.items() if not cached]


MODEL_STEP = "COPY azureml-models/ridge/1/ /var/azureml-app/azureml-models/ridge/1/"
SOURCE_STEP = "COPY azureml-app/ /var/azureml-app/"
MANIFEST_STEP = "COPY manifest.json sbom.cdx.json /opt/mlpackage/"


def test_an_edited_script_rebuilds_no_layer_before_the_source(image: Image, diabetes: Diabetes) -> None:
    """After an edit of the entry script the builder reuses every layer before the source."""
    assert rebuild(image, diabetes.edited) == [SOURCE_STEP, MANIFEST_STEP]


def test_a_new_model_reinstalls_nothing(image: Image, diabetes: Diabetes) -> None:
    """After a training the builder reuses every layer before the model."""
    assert rebuild(image, diabetes.retrained) == [MODEL_STEP, SOURCE_STEP, MANIFEST_STEP]
