from __future__ import annotations

import pytest

from hatch_mlpackage.serve.example import request_of_script, short_request

RUN = "def run(data): ...\n"


@pytest.mark.parametrize(
    ("script", "request_body"),
    [
        (RUN, "TEXT"),
        (f"import json\n{RUN}", "JSON"),
        ("def run(data, request_headers): ...\n", "TEXT"),
        ("def run(a, b): ...\n", ""),
        (f"@rawhttp\n{RUN}", ""),
        ("from driver import run\n", ""),
        ("def run(:\n", ""),
        (f"@input_schema('data', NumpyParameterType(np.array([[1, 2.5]])))\n{RUN}", '{"data": [[1, 2.5]]}'),
        (
            f"sample = numpy.array([[1]], dtype='int8')\n@input_schema('data', NumpyParameterType(sample))\n{RUN}",
            '{"data": [[1]]}',
        ),
        (
            (
                "@schema.input_schema(param_name='a', param_type=StandardPythonParameterType({'b': 'é'}))\n"
                "@input_schema('c', StandardPythonParameterType(sample_input=2))\n"
                "@output_schema(x)\ndef run(a, c): ...\n"
            ),
            '{"a": {"b": "é"}, "c": 2}',
        ),
        (
            f"@input_schema('data', PandasParameterType(pd.DataFrame({{'a': [1, 2], 'b': ['x', 'y']}})))\n{RUN}",
            '{"data": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]}',
        ),
        (
            f"@input_schema('data', PandasParameterType(pd.DataFrame(data=[{{'a': 1}}])))\n{RUN}",
            '{"data": [{"a": 1}]}',
        ),
        (f"@input_schema('data', PandasParameterType(pd.DataFrame([[1]])))\n{RUN}", ""),
        (f"@input_schema('data', NumpyParameterType(np.zeros((1, 2))))\n{RUN}", ""),
        (f"@input_schema('data', NumpyParameterType(missing))\n{RUN}", ""),
        (f"loop = loop\n@input_schema('data', NumpyParameterType(loop))\n{RUN}", ""),
        (f"@input_schema('data', kind)\n{RUN}", ""),
        (f"@input_schema\n{RUN}", ""),
        (f"@input_schema('data', StandardPythonParameterType({'long' * 50!r}))\n{RUN}", ""),
    ],
)
def test_request_of_script(script, request_body):
    """A request is the sample of the script's schema, or a word for a text; nothing where the script computes it."""
    assert request_of_script(script.encode(), "score.py") == request_body


def test_short_request():
    """A document goes on one line, if it is short."""
    assert (short_request('{\n"a":\n1}\n'), short_request(f'"{"a" * 300}"')) == ('{"a": 1}', "")
