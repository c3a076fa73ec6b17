"""Run a program that imports the SDK: `python -m hatch_mlpackage.azureml deploy.py`."""

from __future__ import annotations

import sys

from hatch_mlpackage.azureml.run_program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
