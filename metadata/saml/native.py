"""libxmlsec as python-xmlsec gives it. Its type stubs do not export the names that it has, so here it is, untyped, once."""

from __future__ import annotations

import importlib
from typing import Any

xmlsec: Any = importlib.import_module("xmlsec")
