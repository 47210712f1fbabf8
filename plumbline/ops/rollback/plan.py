"""Which outs a rollback changes, and whether git and MLflow agree. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from plumbline.core.errors import PlumblineError
from plumbline.repo import artifacts
from plumbline.repo.artifacts import Role
from plumbline.repo.tracked_outs import Out
from plumbline.repo.verify import IntegrityFinding

CHAMPION = "champion"
ARCHIVED = "archived.reason"
"""The tag of a version that is retired, which says why."""


@dataclass(frozen=True)
class Head:
    """Where git stands: a commit, and the branch that it is on; None where HEAD is detached."""

    commit: str
    branch: str | None = None

    def __str__(self) -> str:
        return f"{self.branch} ({self.commit[:9]})" if self.branch else self.commit[:9]


@dataclass(frozen=True)
class Version:
    """A registered version as MLflow has it."""

    number: str
    md5: str | None
    aliases: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class RegistryRow:
    """One line of `registry status`: a bundle that git records at `ref`, or that MLflow alone has."""

    usecase: str
    ref: str
    md5: str
    version: str
    aliases: tuple[str, ...]
    agrees: bool


def bundles(outs: Iterable[Out]) -> dict[str, Out]:
    """The bundle of each use case among the outs of one revision."""
    return artifacts.by_usecase(outs, Role.BUNDLE)


def champion(versions: Iterable[Version]) -> Version | None:
    """The version that bears the alias."""
    return next((v for v in versions if CHAMPION in v.aliases), None)


def archived(version: Version) -> str:
    """What to say of a version that is used although it is archived; "" of any other."""
    reason = version.tags.get(ARCHIVED)
    return f" (archived: {reason})" if reason else ""


def with_md5(versions: Iterable[Version], md5: str) -> Version | None:
    """The oldest version with a bundle's md5."""
    return next((v for v in versions if v.md5 == md5), None)


def changed(before: Iterable[Out], after: Iterable[Out]) -> list[str]:
    """The paths of outs that are not the same, or in one revision only."""
    old, new = ({out.path: out.md5 for out in outs} for outs in (before, after))
    return sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))


def only_in(outs: Iterable[Out], others: Iterable[Out]) -> list[Out]:
    """The cached outs of one revision at, above or below whose path the other has none."""
    theirs = [out.path for out in others]
    return [out for out in outs if out.cached and not any(_meet(out.path, p) for p in theirs)]


def _meet(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def refuse_unsafe(findings: Iterable[IntegrityFinding]) -> None:
    """PlumblineError where the outs could not be put back as they are now.

    That is so where a file of the work tree is not what dvc.lock says, or its cached copy is bad or
    missing. What is missing in both was never here: it is no loss.
    """
    cached = [f for f in findings if f.use.out.cached]
    missing = {f.use.path for f in cached if (f.where, f.kind) == ("workspace", "missing")}
    for finding in cached:
        if finding.kind == "missing" and (
            finding.where == "workspace" or finding.use.path in missing
        ):
            continue
        raise PlumblineError(
            f"{finding.use.path}: {finding.kind} in {finding.where}, so that a failed rollback could not put "
            "it back; `plumbline verify --repair`, or `dvc repro` and commit, first"
        )


def rows(
    recorded: Mapping[str, Mapping[str, str]], known: Mapping[str, Sequence[Version]]
) -> list[RegistryRow]:
    """Each ref's bundles (`recorded`: ref, use case, md5), then the versions that no ref has.

    A tag's bundle agrees when MLflow has a version of it, HEAD's when that is the champion.
    """
    listed = []
    for ref, held in recorded.items():
        for usecase, md5 in held.items():
            version = with_md5(known.get(usecase, ()), md5)
            good = version is not None and (ref != "HEAD" or CHAMPION in version.aliases)
            number, aliases = (version.number, version.aliases) if version else ("-", ())
            listed.append(RegistryRow(usecase, ref, md5, number, aliases, good))
    for usecase, versions in known.items():
        in_git = {held[usecase] for held in recorded.values() if usecase in held}
        listed += [
            RegistryRow(usecase, "-", v.md5 or "-", v.number, v.aliases, CHAMPION not in v.aliases)
            for v in versions
            if v.md5 not in in_git
        ]
    return sorted(listed, key=lambda row: row.usecase)


def table(listed: Sequence[RegistryRow]) -> Iterator[str]:
    """The rows in columns, and the verdict."""
    head = ("use case", "git", "bundle", "version", "aliases", "agree")
    cells = [
        (
            r.usecase,
            r.ref,
            r.md5,
            r.version,
            " ".join(r.aliases) or "-",
            "yes" if r.agrees else "no",
        )
        for r in listed
    ]
    widths = [max(len(row[i]) for row in (head, *cells)) for i in range(len(head))]
    for row in (head, *cells):
        yield "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
    apart = sum(not r.agrees for r in listed)
    yield f"{apart} of {len(listed)} do not agree" if apart else "git and MLflow agree"
