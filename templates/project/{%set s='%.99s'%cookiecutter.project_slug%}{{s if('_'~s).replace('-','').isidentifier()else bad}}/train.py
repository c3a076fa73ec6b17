{% include "train/" ~ cookiecutter.framework ~ ".py" -%}
