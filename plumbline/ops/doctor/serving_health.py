"""What serving a use case needs of the checkout: its bundle, definitions, tiles, routes and stores. An edge: reads files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from plumbline.core import dvc_hash, files, usecase_loader
from plumbline.core.declarations import Snapshot
from plumbline.core.errors import PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.features import tile_documents
from plumbline.model import admission, bundle, library_versions
from plumbline.ops.doctor.health import Health, ok, problem, unknown
from plumbline.ops.online_store import connection
from plumbline.ops.online_store import settings as stores
from plumbline.ops.serving import places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.runtime import dvc_lock
from plumbline.serve.log import files_read
from plumbline.serve.routes import routes_file
from plumbline.serve.routes.bundle_store import BundleStore

Clock = Literal["system", "events"]
RERUN = "run `dvc checkout`, or `dvc repro`"


def usecase(root: Path, name: str, today: date, max_age: int, clock: Clock) -> Iterator[Health]:
    """Every check of one use case."""
    yield model(root, name)
    yield definitions(root, name)
    yield tiles(root, name, today, max_age, clock)
    yield routes(root, name)


def model(root: Path, name: str) -> Health:
    """Whether the bundle is there, and the one that dvc.lock records."""
    title = f"{name}, bundle"
    try:
        path = artifacts.path(name, Role.BUNDLE, root)
        if not path.is_dir():
            return problem(title, f"no {path}", RERUN)
        bundle.described(path)
        recorded = artifacts.bundle(dvc_lock.of(dvc_lock.read(root), name), name)
    except PlumblineError as error:
        return problem(title, str(error))
    md5 = dvc_hash.md5(path)
    if recorded is None:
        return unknown(
            title, f"{path} ({md5[:8]}); dvc.lock records none", "commit it after `dvc repro`"
        )
    if recorded[1] != md5:
        found = f"{path} is {md5[:8]}, and dvc.lock records {recorded[1][:8]}"
        return problem(title, found, f"{RERUN}; or commit dvc.lock")
    return ok(title, f"{path} is {md5[:8]}, as dvc.lock records")


def definitions(root: Path, name: str) -> Health:
    """Whether the bundle was made with the features and the libraries that are here."""
    title = f"{name}, definitions"
    try:
        loaded = bundle.load(artifacts.path(name, Role.BUNDLE, root), name)
        features = usecase_loader.load_features(name)
        libraries = library_versions.compared(loaded.carried.libraries if loaded.carried else {})
        library_versions.refuse(name, libraries)
    except (PlumblineError, OSError) as error:
        return problem(title, str(error).splitlines()[0])
    if not admission.same_code(loaded, features):
        found = f"usecases/{name} declares other features than the bundle was trained on"
        return problem(title, found, "run `dvc repro`, or check out the model's commit")
    others = [str(one) for one in libraries if one.verdict != "same"]
    return ok(title, f"as the bundle's; {', '.join(others) or 'the libraries that made it'}")


def tiles(root: Path, name: str, today: date, max_age: int, clock: Clock) -> Health:
    """Whether the days that histories look back on are known, from the tiles or from the log.

    Days of which nothing is known make histories too small; by the events' clock the day is that of the events.
    """
    title = f"{name}, tiles"
    try:
        path = artifacts.path(name, Role.TILES, root) / tile_documents.INDEX
        as_of = files.read_json(path)["as_of"]
        longest = _longest(usecase_loader.load_features(name))
    except PlumblineError as error:
        return problem(title, str(error))
    except (KeyError, TypeError):
        return problem(title, f"{path}: no as_of in it", RERUN)
    if as_of is None or not longest:
        return ok(title, "no history looks back on days")
    found = f"histories are known up to {as_of}"
    if clock == "events":
        return ok(title, f"{found}, and the clock is that of the events")
    logged = files_read.dates(places.log(root, name))
    first = max(date.fromisoformat(as_of), today - timedelta(longest))
    unknown_days = [d for d in _days(first, today) if d not in logged]
    if len(unknown_days) <= max_age:
        return ok(title, f"{found}, and the log goes on from there" if logged else found)
    missing = f"nothing is known of {len(unknown_days)} days since {first} that they look back on"
    remedy = "run the pipeline on newer data (`data.as_of`); to replay old events, `plumbline serve --clock events`"
    return problem(title, f"{found}; {missing} (serve.max_age is {max_age})", remedy)


def online_state(variable: str) -> Health:
    """Whether the Redis that several processes share the state in answers; `variable` holds its URL."""
    import redis

    title, url = "state", os.environ.get(variable)
    if not url:
        return problem(
            title, f"serve.state names {variable}, which is not set", "set it to redis://..."
        )
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        found = f"the Redis of {variable} does not answer ({type(error).__name__})"
        return problem(title, found, "start it, or correct the URL and its password")
    return ok(title, f"the Redis of {variable} answers")


def _longest(features: FeatureSet) -> int:
    """Days that the longest history looks back on; 0 where there is none."""
    snapshots = [s.length + s.lag for s in features.aggregates if isinstance(s, Snapshot)]
    return max(snapshots, default=0)


def _days(first: date, end: date) -> list[date]:
    return [first + timedelta(i) for i in range((end - first).days)]


def routes(root: Path, name: str) -> Health:
    """Whether the routes can be read, and each of their bundles is whole."""
    title, folder = f"{name}, routes", places.folder(root, name)
    try:
        on_disk = routes_file.read(folder)
    except PlumblineError as error:
        return problem(title, str(error))
    if on_disk.routes is None:
        return ok(title, "none yet: the first start routes all to the checkout's bundle")
    store = BundleStore(folder)
    damaged = [text for md5 in on_disk.routes.bundles if (text := store.problem(md5))]
    if damaged:
        return problem(
            title, "; ".join(damaged), "a service goes on with the bundles that are whole"
        )
    notes = f"; {'; '.join(on_disk.notes)}" if on_disk.notes else ""
    count = len(on_disk.routes.bundles)
    return ok(title, f"version {on_disk.routes.version}, {count} bundles whole{notes}")


def feature_store(root: Path) -> Health:
    """Whether the feature store that the environment names can be opened."""
    title, name = "feature store", stores.chosen(None)
    if name is None:
        return ok(title, "the embedded one, in files; no server to reach")
    try:
        with connection.opened(stores.load(root, name)) as opened:
            services = len(opened.list_feature_services())
    except PlumblineError as error:
        return problem(title, str(error), f"or serve without it: unset {stores.CHOICE}")
    return ok(title, f"'{name}' answers; it knows {services} use cases")
