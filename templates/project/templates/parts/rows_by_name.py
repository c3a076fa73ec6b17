{% set table = "pd.DataFrame" if cookiecutter.framework == "sklearn" else "np.ndarray" -%}
class Rows(StandardPythonParameterType):
    """Rows with a value for each of the model's columns, by name and in any order; null is a missing value."""

    def __init__(self, sample: list[dict[str, Any]]) -> None:
        super().__init__(sample)
        self.sample_data_type = {{ table }}  # what run() gets; inference_schema would leave a list as it is

    def deserialize_input(self, input_data: Any) -> Any:
        for row in input_data:
            if missing := [name for name in COLUMNS if name not in row]:
                more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
                raise ValueError(f"a row lacks {', '.join(missing[:3])}{more}")
        rows = [[row[name] for name in COLUMNS] for row in input_data]
{% if cookiecutter.framework == "sklearn" %}        return pd.DataFrame(rows, columns=COLUMNS).astype(NUMBERS)
{%- else %}        return np.array(rows, dtype=np.float64)
{%- endif -%}
