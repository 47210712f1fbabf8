"""Changes of routes from the command line: by a running service, or on disk where none runs. An edge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from plumbline.core import usecase_loader
from plumbline.ops.serving import bundles, places, route_documents, service_calls
from plumbline.serve.routes.arms import Arms
from plumbline.serve.routes.bundle_store import BundleStore


def show(root: Path, usecase: str) -> dict[str, Any]:
    """The routes, and what a running service says of them."""
    answer = service_calls.sent(root, {"do": "routes", "usecase": usecase})
    return answer if answer is not None else route_documents.show(root, usecase)


def change(root: Path, usecase: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Change the routes (`changes`); where no service runs on disk, once all new bundles are admitted."""
    answer = service_calls.sent(root, {"do": "routes", "usecase": usecase, **request})
    if answer is not None:
        return answer
    return route_documents.change(root, usecase, request, partial(_admit, root, usecase))


def bring(root: Path, usecase: str, name: str | None) -> str:
    """Put a bundle into the service's store; its md5."""
    store = BundleStore(places.folder(root, usecase))
    return bundles.bring(root, usecase_loader.load_features(usecase), store, name)


def _admit(root: Path, usecase: str, md5s: set[str]) -> None:
    arms = Arms(usecase_loader.load_features(usecase), BundleStore(places.folder(root, usecase)))
    for md5 in sorted(md5s):
        arms.admit(md5)
