"""Read Azure ML's configuration files with the line of every key, and convert them to `[tool.mlpackage]`.

    node = read_document(content, "inferenceconfig.json", problems)    # or node_of(plain values, "InferenceConfig")
    configuration = read_configuration(node, None, problems)           # of v1 or v2
    problems.raise_if_any()
    conversion = configuration.converted(Places(root=…, here=…, beside=…), problems)
    problems.raise_if_any()
    conversion.table, conversion.files, conversion.rows

Nothing here writes a file or needs a network or an account.
"""
