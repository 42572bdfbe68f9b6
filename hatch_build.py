"""What `pip install` does beside copying files: it compiles the one C file of linflow, if there is a C compiler.

An editable install finds the binary in the source tree, a wheel carries it inside the package and is then one for this
kind of machine. Whatever goes wrong here, linflow installs and computes the same numbers (:mod:`linflow.risk.native`).
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompiledLanes(BuildHookInterface[Any]):
    """The build hook."""

    PLUGIN_NAME = "custom"
    _folder: str | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, before the files are collected."""
        package = Path(self.root) / "linflow" / "risk"
        # By its path: importing linflow would need its dependencies, which a build does not have.
        spec = importlib.util.spec_from_file_location("linflow_native", package / "native.py")
        if spec is None or spec.loader is None:
            return
        native = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(native)
        if version == "editable":
            native.build(package)
            return
        self._folder = tempfile.mkdtemp()
        binary = native.build(Path(self._folder))
        if binary is not None:
            build_data["force_include"][str(binary)] = f"linflow/risk/{binary.name}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{native.machine()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Clear up, after the wheel is written."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
