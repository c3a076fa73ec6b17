"""Read what is declared: pyproject.toml, the configuration, entry scripts, models, Dockerfiles, files of Azure ML.

Order: identity, known_images, target < dockerfiles, pyproject < config < azureml_files, model_facts, sources <
    read_config, no_code.
"""
