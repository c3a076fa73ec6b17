"""Write the build context: plan its files, render its templates, write it whole, prove and compare it.

Order: plan, manifest < verify, write, project_files, cyclonedx < named_contexts < package < package_sources < build
    < model_versions < check.
"""
