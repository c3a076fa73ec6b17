"""Read what is declared: pyproject.toml, the configuration, entry scripts, models, Dockerfiles, files of Azure ML.

Order: identity, python_file, target < known_images < dockerfiles, pyproject < config
    < azureml_files, model_facts, other_tools, sources < read_config, no_code.
"""
