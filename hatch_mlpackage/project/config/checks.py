"""List the checks of `[tool.mlpackage]` in the order in which a person reads their problems.

Each check takes the configuration, the project and the collector of problems; none stops at the first problem.
"""

from hatch_mlpackage.project.config.check_base_image import (
    check_base_image,
    check_cuda,
    check_python,
    check_user_managed,
)
from hatch_mlpackage.project.config.check_image import check_image, check_secrets, check_variables
from hatch_mlpackage.project.config.check_models import check_models
from hatch_mlpackage.project.config.check_packages import (
    check_conda_mode,
    check_conda_paths,
    check_dependencies,
    check_install_project,
    check_pylock,
    check_system_packages,
)
from hatch_mlpackage.project.config.check_paths import check_entry_script, check_lock_directory, check_source_directory
from hatch_mlpackage.project.config.check_values import check_choices, check_server

CHECKS = (
    check_entry_script,
    check_dependencies,
    check_install_project,
    check_pylock,
    check_source_directory,
    check_models,
    check_python,
    check_base_image,
    check_cuda,
    check_user_managed,
    check_choices,
    check_lock_directory,
    check_conda_paths,
    check_conda_mode,
    check_variables,
    check_system_packages,
    check_image,
    check_secrets,
    check_server,
)
