"""Hash every object that dvc.lock and .dvc files reach, independent of DVC's state."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from plumbline.core import dvc_hash
from plumbline.core.dvc_hash import manifest
from plumbline.core.hashing import Digest, md5_bytes, md5_files
from plumbline.repo import deps, object_stores, revisions, sources_in_place, state
from plumbline.repo.object_stores import DvcSettings, ObjectStore, read_object
from plumbline.repo.sources_in_place import CheckedManifest
from plumbline.repo.tracked_outs import Out

WHERE = ("workspace", "cache", "remote", "source")
SOURCE_KINDS = {"absent": "missing", "not listed": "extra", "unreadable": "unreadable"}
"""What a difference from a source's manifest is called here; any other one is bad."""
Contents = Mapping[str, Mapping[str, str]]
"""Of folders, by the md5 of the manifest: relative path to md5."""


@dataclass(frozen=True)
class ObjectUse:
    """One object as one out uses it: the out's file, its manifest, or a file of its folder."""

    rev: str | None
    out: Out
    path: str
    oid: str


@dataclass(frozen=True)
class IntegrityFinding:
    """One thing that is not as recorded. `kind`: bad, missing, extra, or unreadable.

    `actual`: the md5 of the bytes that are there, or why they cannot be read. `others`: how many
    more outs, of this or other revisions, use the same object.
    """

    kind: str
    where: str
    use: ObjectUse
    actual: str | None
    location: str
    others: int = 0


@dataclass(frozen=True)
class VerifiedPlace:
    """What was checked in one place: how many files, and what is wrong with them."""

    where: str
    checked: int
    findings: Sequence[IntegrityFinding]


@dataclass(frozen=True)
class VerifyReport:
    """All parts, notes for the reader, and the folders' contents as far as they are known."""

    parts: Sequence[VerifiedPlace]
    notes: Sequence[str] = ()
    contents: Contents = field(default_factory=dict)

    @property
    def findings(self) -> list[IntegrityFinding]:
        """Everything that is wrong, anywhere."""
        return [finding for part in self.parts for finding in part.findings]


def check(
    settings: DvcSettings,
    revs: Sequence[str | None] = (revisions.WORK_TREE,),
    where: Iterable[str] = WHERE,
    remotes: Sequence[str] = (),
) -> VerifyReport:
    """Hash what the revisions (None: the work tree) name, in the places of `where`; `source`: what is read in place.

    `remotes`: names to check in place of the default one. Raises PlumblineError where the files
    that name the objects, or the configuration, cannot be read.
    """
    root = settings.root
    object_stores.refuse_links(settings)
    outs = {rev: revisions.outs(root, rev) for rev in revs}
    cached = [(rev, out) for rev, named in outs.items() for out in named if out.cached]
    stores = _stores(settings, [out for _, out in cached], set(where), remotes)
    sources: list[ObjectStore] = [
        settings.folder(),
        *(place for place, _ in stores if place.name != "cache"),
    ]
    contents, damaged = read_manifests(sources, cached)
    uses = list(expand(cached, contents))
    parts = [VerifiedPlace("manifest", len(contents) + len(damaged), damaged)]
    parts += [_in_store(place, [u for u in uses if holds(u.out)]) for place, holds in stores]
    for rev, named in outs.items():
        if rev is not None:
            parts.append(_in_git(root, rev, [o for o in named if not o.cached]))
        elif "workspace" in where:
            parts.append(_in_workspace(root, named, contents))
    if "source" in where:
        parts.append(_in_sources(root, revs))
    notes = [*state.problems(settings), *_notes(settings, set(where), remotes)]
    if None in outs and "workspace" in where:
        notes += [
            f"{path}: changed since {stage} read it; `dvc repro`, with --force where DVC does not see it"
            for stage, path in deps.changed(root)
        ]
    return VerifyReport(parts, notes, contents)


def expand(outs: Iterable[tuple[str | None, Out]], contents: Contents) -> Iterator[ObjectUse]:
    """Each object that cached outs need: their own, and those that their manifests list."""
    for rev, out in outs:
        yield ObjectUse(rev, out, out.path, out.md5)
        for path, md5 in contents.get(out.md5, {}).items():
            yield ObjectUse(rev, out, f"{out.path}/{path}", md5)


def read_manifests(
    sources: Sequence[ObjectStore], outs: Iterable[tuple[str | None, Out]]
) -> tuple[dict[str, dict[str, str]], list[IntegrityFinding]]:
    """The contents of folders, each from the first place that has its manifest good.

    Also what is no manifest, though its md5 is right: a forged entry.
    """
    contents, damaged = {}, []
    for rev, out in {out.md5: (rev, out) for rev, out in outs if out.folder}.values():
        copies = (read_object(place, out.md5) for place in sources)
        data = next((d for d in copies if d is not None), None)
        try:
            contents.update({} if data is None else {out.md5: manifest(data)})
        except ValueError as error:
            use = ObjectUse(rev, out, out.path, out.md5)
            damaged.append(
                IntegrityFinding("bad", "manifest", use, f"no manifest: {error}", out.md5)
            )
    return contents, damaged


def _stores(
    settings: DvcSettings, outs: Sequence[Out], where: set[str], remotes: Sequence[str]
) -> list[tuple[ObjectStore, Callable[[Out], bool]]]:
    """The places to check, each with the question which outs' objects belong there."""
    stores: list[tuple[ObjectStore, Callable[[Out], bool]]] = []
    if "cache" in where:
        stores.append((settings.folder(), lambda out: out.cached))
    if "remote" not in where:
        return stores
    named = {(out.remote or settings.default) for out in outs if out.pushed}
    for name in sorted(n for n in remotes or named if n):
        stores.append((settings.remote(name), _belongs(name, settings.default, bool(remotes))))
    return stores


def _belongs(name: str, default: str | None, named_only: bool) -> Callable[[Out], bool]:
    return lambda out: out.pushed and (named_only or (out.remote or default) == name)


def _notes(settings: DvcSettings, where: set[str], remotes: Sequence[str]) -> list[str]:
    if "remote" not in where:
        return []
    notes = [
        f"remote {name}: its path is relative, which `dvc push --all-tags` takes from the root folder of "
        f"the disk; set it once more as `dvc remote modify --local {name} url {settings.remotes[name]}`"
        for name in sorted(settings.relative)
    ]
    notes += [
        f"remote {name}: `verify` is off, so that DVC trusts whatever it fetches from there; "
        f"`dvc remote modify --local {name} verify true`"
        for name in sorted(settings.trusting)
    ]
    if not remotes and not settings.default:
        notes.append("no default remote: none was checked (`dvc remote default NAME` sets one)")
    return notes


def _in_store(place: ObjectStore, uses: Sequence[ObjectUse]) -> VerifiedPlace:
    digests = place.digests(use.oid for use in uses)
    findings = _judge(place.name, ((use, use.oid) for use in uses), digests, place.locate)
    return VerifiedPlace(place.name, len(digests), findings)


def _in_workspace(root: Path, outs: Sequence[Out], contents: Contents) -> VerifiedPlace:
    """The outs as files; a folder whose manifest is lost is hashed as a whole."""
    unlisted = [out for out in outs if out.folder and not (out.cached and out.md5 in contents)]
    known = [(None, out) for out in outs if out not in set(unlisted)]
    uses = [use for use in expand(known, contents) if not use.oid.endswith(".dir")]
    digests = md5_files(str(root / use.path) for use in uses)
    folders = {str(root / out.path): dvc_hash.folder_md5(root, out.path) for out in unlisted}
    claims = [(use, str(root / use.path)) for use in uses]
    claims += [(ObjectUse(None, out, out.path, out.md5), str(root / out.path)) for out in unlisted]
    findings = _judge("workspace", claims, {**digests, **folders}, str)
    for _, out in known:
        findings += _extra(root, out, contents[out.md5]) if out.folder else []
    return VerifiedPlace("workspace", len(claims), findings)


def _extra(root: Path, out: Out, contents: Mapping[str, str]) -> Iterator[IntegrityFinding]:
    """Files in an out's folder that no run wrote there: the next stage would read them too."""
    for name in dvc_hash.listing(root, out.path, contents):
        path = f"{out.path}/{name}"
        yield IntegrityFinding(
            "extra", "workspace", ObjectUse(None, out, path, ""), None, str(root / path)
        )


def _in_git(root: Path, rev: str, outs: Sequence[Out]) -> VerifiedPlace:
    """Outs that git keeps (`cache: false`), as the revision has them."""
    digests: dict[str, Digest] = {}
    for out in outs:
        blobs = revisions.blobs(root, rev, revisions.below(root, rev, out.path))
        md5s = {name: md5_bytes(data) for name, data in blobs.items()}
        if not md5s:
            digests[out.path] = FileNotFoundError(f"{rev} has no {out.path}")
        elif out.folder:
            inside = {name.removeprefix(out.path + "/"): md5 for name, md5 in md5s.items()}
            digests[out.path] = dvc_hash.manifest_md5(inside)
        else:
            digests[out.path] = next(iter(md5s.values()))
    claims = [(ObjectUse(rev, out, out.path, out.md5), out.path) for out in outs]
    return VerifiedPlace(
        "git", len(claims), _judge("git", claims, digests, lambda path: f"{rev}:{path}")
    )


def _in_sources(root: Path, revs: Sequence[str | None]) -> VerifiedPlace:
    """Sources that are read in place, as the revisions' manifests list them."""
    checked = [(rev, one) for rev in revs for one in sources_in_place.check(root, rev)]
    findings = [finding for rev, one in checked for finding in _of_manifest(rev, one)]
    return VerifiedPlace("source", sum(len(one.listed) for _, one in checked), findings)


def _of_manifest(rev: str | None, one: CheckedManifest) -> Iterator[IntegrityFinding]:
    name, place = one.manifest.path, one.manifest.root
    out = Out(name, f"data@{one.manifest.usecase}", place, "", cached=False)
    if one.problem:
        use = ObjectUse(rev, out, name, "")
        yield IntegrityFinding("unreadable", "source", use, one.problem, place)
    for change in one.changes:
        use = ObjectUse(rev, out, f"{place}/{change.path}", change.expected)
        actual = f"{change.kind}: {change.actual}" if change.actual else None
        yield IntegrityFinding(SOURCE_KINDS.get(change.kind, "bad"), "source", use, actual, name)


def _judge(
    where: str,
    claims: Iterable[tuple[ObjectUse, str]],
    digests: Mapping[str, Digest],
    locate: Callable[[str], str],
) -> list[IntegrityFinding]:
    """What each claim (an object should stand at a key of `digests`) says that is not so."""
    uses_by_key: dict[str, list[ObjectUse]] = {}
    for use, key in claims:
        uses_by_key.setdefault(key, []).append(use)
    findings = []
    for key, (first, *others) in uses_by_key.items():
        kind, text = _compare(first.oid, digests[key])
        if kind:
            findings.append(IntegrityFinding(kind, where, first, text, locate(key), len(others)))
    return findings


def _compare(expected: str, actual: Digest) -> tuple[str, str | None]:
    if isinstance(actual, (FileNotFoundError, NotADirectoryError)):
        return "missing", None
    if isinstance(actual, OSError):
        return "unreadable", actual.strerror or str(actual)
    same = actual.removesuffix(".dir") == expected.removesuffix(".dir")
    return ("" if same else "bad"), actual
