"""The routes of a use case's first start: all to the checkout's bundle. An edge."""

from __future__ import annotations

import logging
import secrets
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.usecase import FeatureSet
from plumbline.ops.serving import bundles, places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes.bundle_store import BundleStore
from plumbline.serve.routes.document import Routes

log = logging.getLogger("plumbline")


def ensure(root: Path, usecase: FeatureSet) -> bool:
    """Make the routes where there are none yet; whether that was so.

    PlumblineError where the checkout has no bundle with recorded golden events, or what stands on disk is damaged.
    """
    place = places.folder(root, usecase.name)
    known = routes_file.read(place).routes
    if known is not None:
        _name_another(root, usecase.name, known)
        return False
    md5 = bundles.bring(root, usecase, BundleStore(place), None)
    first = document.first(md5, secrets.token_hex(8))
    routes_file.write(place, routes_file.entry(first, "first start"))
    return True


def _name_another(root: Path, name: str, routes: Routes) -> None:
    """Say where the checkout has a bundle that no arm has: it answers nobody by being there."""
    model = artifacts.path(name, Role.BUNDLE, root)
    own = dvc_hash.md5(model) if model.is_dir() else None
    if own is not None and own not in {arm.bundle for arm in routes.arms}:
        log.warning(
            "%s: bundle %s answers, the checkout has %s: propose it with `plumbline canary %s %s`, or route it with "
            "`plumbline routes`", name, routes.champion, own, name, model,
        )  # fmt: skip
