{% include "score/" ~ cookiecutter.framework ~ ".py" -%}
