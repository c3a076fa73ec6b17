{% for it in taken -%}
{% set schema = 'NumpyParameterType(np.array(SAMPLE["' ~ it.name ~ '"])' ~ (", enforce_shape=False" if it.is_open) ~ ")" if it.is_array else 'StandardPythonParameterType(SAMPLE["' ~ it.name ~ '"])' -%}
{% if several -%}
@input_schema(
    "{{ it.name }}",
    {{ schema }},
)
{% else -%}
@input_schema("{{ it.name }}", {{ schema }})
{% endif -%}
{% endfor -%}
@output_schema(StandardPythonParameterType([0.0]))
{% if several -%}
def run(
{% for it in taken %}    {{ it.name }}: {{ "npt.NDArray[Any]" if it.is_array else "Any" }},
{% endfor -%}
) -> {{ returns }}:
    """Score a request, which has a value for each input, as in sample.json."""
    given = (
{% for it in taken %}        np.asarray({{ it.name }}, dtype={{ "object" if it.type == "str" else "np." ~ it.type ~ ("_" if it.type == "bool") }}),
{% endfor %}    )
{% else -%}
{% set it = taken[0] -%}
def run({{ it.name }}: {{ "npt.NDArray[Any]" if it.is_array else "Any" }}) -> {{ returns }}:
    """Score every row of a request: `{"data": [[…], …]}`, as in sample.json."""
    given = (np.asarray({{ it.name }}, dtype={{ "object" if it.type == "str" else "np." ~ it.type ~ ("_" if it.type == "bool") }}),)
{% endif -%}
