"""What a generated entry script needs, beside what the project asks for itself."""

from __future__ import annotations

import pytest

from hatch_mlpackage.lock.asked.model_needs import with_generated
from hatch_mlpackage.lock.asked.requirements import Requirements
from hatch_mlpackage.project.config.keys import Model
from hatch_mlpackage.project.model_facts.facts import ModelFacts
from hatch_mlpackage.project.no_code.generated import NoCode
from hatch_mlpackage.project.no_code.scripts import write_script

NEEDED = {"scikit-learn==1.5.2": "it made the model", "joblib": "the generated script imports it"}


@pytest.mark.parametrize(
    ("asked", "conda", "kept", "notes"),
    [
        (
            ["scikit-learn>=1", "pandas"],
            [],
            ["inference-schema[numpy-support]", "joblib", "pandas", "scikit-learn>=1", "werkzeug"],
            [],
        ),
        (
            ["scikit-learn<1.5"],
            [],
            ["inference-schema[numpy-support]", "joblib", "scikit-learn<1.5", "werkzeug"],
            [
                (
                    "scikit-learn<1.5 is kept, though the model was made with scikit-learn==1.5.2: it may not load, or "
                    "answer otherwise."
                )
            ],
        ),
        ([], ["scikit-learn", "joblib"], ["inference-schema[numpy-support]", "werkzeug"], []),
    ],
)
def test_what_the_project_names_itself(asked, conda, kept, notes):
    """What the project or its conda file asks for stays; a note names a version that is not the model's."""
    model = Model(name="demo", path="models/demo.joblib", framework="sklearn")
    made = write_script(model, ModelFacts(versions={"scikit-learn": "1.5.2"}, feature_count=2))

    requirements = with_generated(Requirements(requirements=tuple(asked)), made, conda=conda)

    assert list(requirements.requirements) == kept
    assert [note for note in requirements.notes if "is added" not in note] == notes


def kept(text: str) -> str:
    made_with = "though the model was made with scikit-learn==1.5.2: it may not load, or answer otherwise."
    return f"{text} is kept, {made_with}"


def test_every_requirement_of_a_package_is_compared_with_the_model() -> None:
    """Each line that excludes the model's version is named, beside lines that allow it and a conda package."""
    asked = ("scikit-learn!=1.3", "scikit-learn<1.5", "scikit-learn>=1.6", "scikit-learn>=1")
    model = NoCode(script="", sample="", requirements=NEEDED, about="")

    assert with_generated(Requirements(requirements=asked), model, conda=("scikit-learn", "joblib")) == Requirements(
        requirements=tuple(sorted(asked)), notes=(kept("scikit-learn<1.5"), kept("scikit-learn>=1.6"))
    )


def test_every_requirement_that_is_left_out_is_named() -> None:
    """Each line of the model's own file that gives way to what loads the model gets a note."""
    asked = ('mlflow<3; python_version < "3.12"', 'mlflow>=3; python_version >= "3.12"', "numpy<2", "numpy!=1.25")
    model = NoCode(script="", sample="", requirements={}, about="", left_out=("mlflow", "numpy"))
    instead = "is left out: what loads the model is added in its place."

    assert with_generated(Requirements(requirements=asked), model, inline=("NumPy<2",)) == Requirements(
        requirements=("numpy!=1.25", "numpy<2"), notes=(f"{asked[0]} {instead}", f"{asked[1]} {instead}")
    )
