"""The bundles that rows name, wherever they can still be had: the service's copies, the checkout, git with DVC. An edge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.errors import BundleError, PlumblineError
from plumbline.core.usecase import FeatureSet
from plumbline.model import admission, bundle, library_versions, usecase_file
from plumbline.model.bundle import Bundle
from plumbline.ops import scoring_model
from plumbline.ops.serving import places
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.serve.online import scorer
from plumbline.serve.routes.bundle_store import BundleStore


@dataclass(frozen=True)
class ReplayBundle:
    """A bundle that scores rows again.

    `usecase`: what it was learned for; its row functions can be called where `unchecked` is "", which else says why
    not. `libraries`: what is installed here in another version than made it. `origin`: where it was found.
    """

    md5: str
    origin: str
    bundle: Bundle
    usecase: FeatureSet
    definitions: str
    unchecked: str
    libraries: tuple[str, ...]


@dataclass(frozen=True)
class NoBundle:
    """Why there is no bundle: `reason` is a key of `verdicts.REASONS`."""

    md5: str
    reason: str
    problem: str


class Bundles:
    """Bundles of one use case by md5, each looked for once. `admit`: hashes of bundles whose functions may run."""

    def __init__(self, root: Path, usecase: str, admit: Iterable[str] = ()) -> None:
        self._root, self._usecase, self._admit = root, usecase, tuple(admit)
        self._known: dict[str, ReplayBundle | NoBundle] = {}

    def get(self, md5: str) -> ReplayBundle | NoBundle:
        """The bundle with this md5, or why there is none."""
        if md5 not in self._known:
            self._known[md5] = self._found(md5)
        return self._known[md5]

    def named(self, name: str) -> ReplayBundle:
        """A bundle by an md5 or its beginning, a revision, a folder, an archive; PlumblineError for none."""
        store = BundleStore(places.folder(self._root, self._usecase))
        md5 = store.find(name)
        if md5 is not None:
            found = self.get(md5)
            if isinstance(found, NoBundle):
                raise BundleError(found.problem)
            return found
        with scoring_model.chosen(self._root, name, self._usecase) as model:
            found = self._loaded(model.folder, dvc_hash.md5(model.folder), model.name)
        if isinstance(found, NoBundle):
            raise BundleError(found.problem)
        return found

    def _found(self, md5: str) -> ReplayBundle | NoBundle:
        try:
            with self._folder(md5) as (folder, origin):
                return self._loaded(folder, md5, origin)
        except PlumblineError as error:
            return NoBundle(md5, "bundle", f"bundle {md5}: {error}")

    def _loaded(self, folder: Path, md5: str, origin: str) -> ReplayBundle | NoBundle:
        found = loaded(folder, md5, origin, self._admit)
        if found.bundle.usecase != self._usecase:
            raise BundleError(f"{folder}: of '{found.bundle.usecase}', expected '{self._usecase}'")
        refused = library_problem(found.bundle)
        return NoBundle(md5, "library", refused) if refused else found

    @contextmanager
    def _folder(self, md5: str) -> Iterator[tuple[Path, str]]:
        """The bundle's folder while it is loaded, and where that is; PlumblineError where there is none."""
        store = BundleStore(places.folder(self._root, self._usecase))
        own = artifacts.declared(self._usecase, Role.BUNDLE, self._root)
        if store.model(md5).is_dir() and dvc_hash.md5(store.model(md5)) == md5:
            yield store.model(md5), "the service's copy"
        elif own and (self._root / own).is_dir() and dvc_hash.md5(self._root / own) == md5:
            yield self._root / own, own
        else:
            with scoring_model.chosen(self._root, md5, self._usecase) as model:
                yield model.folder, model.name


def loaded(folder: Path, md5: str, origin: str, admit: Iterable[str] = ()) -> ReplayBundle:
    """The bundle in a folder, with functions that can be called where that is admitted; BundleError if damaged."""
    try:
        admitted = admission.load(folder, admit)
        found, usecase, unchecked = admitted.bundle, admitted.usecase, ""
    except BundleError as error:
        found = bundle.load(folder)
        if found.carried is None:
            raise
        usecase, unchecked = usecase_file.stub(found.carried), str(error)
    return ReplayBundle(
        md5=md5,
        origin=origin,
        bundle=found,
        usecase=usecase,
        definitions=scorer.definitions_md5(found),
        unchecked=unchecked,
        libraries=tuple(str(v) for v in _verdicts(found) if v.verdict != "same"),
    )


def library_problem(found: Bundle) -> str:
    """Why the bundle is not scored with the libraries here; "" where it is."""
    try:
        library_versions.refuse(found.usecase, _verdicts(found))
    except BundleError as error:
        return str(error)
    return ""


def _verdicts(found: Bundle) -> list[library_versions.LibraryVerdict]:
    return library_versions.compared(found.carried.libraries if found.carried else {})
