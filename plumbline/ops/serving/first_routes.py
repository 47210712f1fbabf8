"""The routes of a use case's first start: all to the checkout's bundle. An edge."""

from __future__ import annotations

import secrets
from pathlib import Path

from plumbline.core.usecase import FeatureSet
from plumbline.ops.serving import bundles, places
from plumbline.serve.routes import document, routes_file
from plumbline.serve.routes.bundle_store import BundleStore


def ensure(root: Path, usecase: FeatureSet) -> bool:
    """Make the routes where there are none yet; whether that was so.

    PlumblineError where the checkout has no bundle with recorded golden events, or what stands on disk is damaged.
    """
    place = places.folder(root, usecase.name)
    if routes_file.read(place).routes is not None:
        return False
    md5 = bundles.bring(root, usecase, BundleStore(place), None)
    first = document.first(md5, secrets.token_hex(8))
    routes_file.write(place, routes_file.entry(first, "first start"))
    return True
