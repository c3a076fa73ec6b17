"""Read Azure ML's configuration files with the line of every key, and convert them to `[tool.mlpackage]`.

    node = read_document(content, "inferenceconfig.json", problems)    # or node_of(plain values, "InferenceConfig")
    inference = read_inference(node, problems)
    problems.raise_if_any()
    conversion = convert(inference, None, Places(root=…, here=…, beside=…), problems)
    problems.raise_if_any()
    conversion.table, conversion.files, conversion.rows

Nothing here writes a file or needs a network or an account.
"""
