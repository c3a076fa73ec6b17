"""Turn a declared model into a locked, reproducible Docker build context.

The public interface is the `[tool.mlpackage]` table, the layout of the context and the `mlpackage` command line;
the modules in this package may change between releases.
"""

__version__ = "0.1.0"
