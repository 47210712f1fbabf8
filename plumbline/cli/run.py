"""Commands for working on a use case: accept its data, look at its features and pages."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from plumbline.cli.options import (
    CommandGroup,
    Json,
    Store,
    Usecase,
    Usecases,
    day,
    keep_json,
    keep_text,
    say,
)

if TYPE_CHECKING:
    from plumbline.core.usecase import FeatureSet
    from plumbline.monitor.result import MonitorResult

group = CommandGroup("Run")


@group.command("accept", "my_table")
def accept(usecase: Usecase) -> None:
    """Accept the last run's data profile, before the commit; later data are compared with it.

    Copies data/USECASE/profile.json to profiles/, which git keeps and the stage `validate` reads, and
    the days that the monitor has judged to profiles/USECASE.history.csv. Then runs the stages that read
    them, so that `dvc status` is clean and all of it is one commit.
    """
    from plumbline.ops import accept_profile

    written = accept_profile.accept(Path("."), usecase, lambda line: say([line]))
    say(f"{path}: written" for path in written)
    if not written:
        say([f"{usecase}: this profile is accepted already"])
    say(["Commit profiles/, dvc.lock and metrics/. Later data are compared with this profile."])


@group.command(
    "catalog",
    "",
    "my_table --value features.json --json catalog.json",
    "--html /tmp/catalog.html",
)
def catalog(
    usecase: Usecases = None,
    value: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            help="Output of `feature-value --json`, for gains and costs; those in docs/evidence if omitted.",
        ),
    ] = None,
    html: Annotated[Path, typer.Option(metavar="FILE", help="Where the page goes.")] = Path(
        "reports/catalog.html"
    ),
    json: Json = None,
) -> None:
    """Draw one page of the features of all use cases: what they are, what they cost and bring, who uses them.

    Features that several use cases declare alike are counted as reused; so are views that several read.
    """
    from plumbline import config
    from plumbline.core import documents, usecase_loader
    from plumbline.report import html as pages
    from plumbline.studies import catalog_page
    from plumbline.studies.feature_value.feature_value_document import FeatureValueStudy

    kept = sorted(Path("docs/evidence").glob("*/feature_value.json"))
    studies = [documents.read(FeatureValueStudy, path) for path in (value or kept)]
    values = {study.usecase: study for study in studies}
    names = config.selected(usecase or [])
    sources = [
        catalog_page.CatalogSource.of(usecase_loader.load(n), values.get(n), _gains(n))
        for n in names
    ]
    whole = catalog_page.build(sources)
    keep_text(html, pages.render(catalog_page.blocks(whole)))
    keep_json(json, whole)
    say([catalog_page.summary(whole), str(html)])


def _gains(name: str) -> dict[str, float]:
    """Each feature's share of the gain of the model in models/; none where there is no model."""
    from plumbline.model import bundle
    from plumbline.monitor import monitored_columns
    from plumbline.repo import artifacts

    path = artifacts.path(name, artifacts.Role.BUNDLE)
    if not path.is_dir():
        return {}
    return monitored_columns.gain_shares(bundle.load(path, name).booster)


@group.command("environment", "")
def environment() -> None:
    """Write environment/: by stage, the locked libraries that can change its outputs.

    Run it after a change of requirements.txt or of what the code imports; `make lock` does. A stage runs
    again when a version in its file changes, and refuses to run with another one.
    """
    from plumbline.repo import library_file

    written = library_file.sync(Path("."))
    say(f"{file}: written; commit it" for file in written)
    if written:
        say(["next: `make install`, then `dvc repro`"])
    else:
        say(["environment/: up to date"])


@group.command(
    "features",
    "list my_table",
    "search my_table mean 7d",
    "materialize my_table",
    "materialize my_table --store production",
    "check my_table --store production",
    "rollover my_table --day 2025-07-02 --store production",
)
def features(
    action: Annotated[
        Literal["list", "search", "apply", "materialize", "check", "rollover"],
        typer.Argument(
            metavar="ACTION",
            help="Look at the catalog (list, search), fill the feature store (apply, materialize; as a "
            "service has it: rollover), or compare what it serves (check).",
        ),
    ],
    usecase: Usecase,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD", help="search: words in a name or description."),
    ] = None,
    json: Json = None,
    store: Store = None,
    to: Annotated[
        date | None,
        typer.Option("--day", parser=day, metavar="DAY", help="rollover: this day's midnight."),
    ] = None,
) -> int:
    """List or search features, or fill the feature store.

    `apply` registers the features with Feast, `materialize` also loads the values to serve, `check`
    compares a store on servers with the snapshots, and exits with 1 if they differ. `rollover` loads the
    histories that a service has at midnight, from tiles and prediction log; by default of the newest day.
    """
    from plumbline.core import usecase_loader
    from plumbline.ops.online_store import settings

    case, name = usecase_loader.load(usecase), settings.chosen(store)
    if action in ("list", "search"):
        _print_catalog(case, " ".join(words or ()), json)
        return 0
    if action == "check":
        return _check_store(case, name, json)
    if action == "rollover":
        from plumbline.ops.serving import rollover

        say([rollover.rollover(Path("."), case, to, name)])
        return 0
    _fill_store(case, name, values=action == "materialize")
    say([f"{usecase}: feature store {action} done"])
    return 0


def _print_catalog(case: FeatureSet, words: str, json: Path | None) -> None:
    """The features whose names or descriptions have these words."""
    from plumbline.features import catalog

    entries = catalog.search(case, words)
    for e in entries:
        say([f"{e.name:28} {e.kind:9} {e.description}"])
        if e.deprecated:
            uses = ", ".join(e.used_by) or "nothing"
            say([f"{'':28} deprecated: {e.deprecated}; used by {uses}"])
    keep_json(
        json, {"usecase": case.name, "features": [e.model_dump(mode="json") for e in entries]}
    )


def _fill_store(case: FeatureSet, name: str | None, *, values: bool) -> None:
    """Definitions, and with `values` the values, to the embedded store or to one on servers."""
    from plumbline.features import store
    from plumbline.ops.online_store import commands
    from plumbline.repo import artifacts

    snapshots = artifacts.path(case.name, artifacts.Role.SNAPSHOTS)
    if name is None:
        store.apply(case, store.REPOSITORY, snapshots)
        if values:
            store.materialize(case, _day_to_serve(case.name))
    elif values:
        as_of = _day_to_serve(case.name)
        say([commands.materialize(Path("."), name, case, snapshots, as_of)])
    else:
        commands.apply(Path("."), name, case, snapshots)


def _check_store(case: FeatureSet, name: str | None, json: Path | None) -> int:
    """Compare a store on servers with the snapshots."""
    from plumbline.core.errors import PlumblineError
    from plumbline.ops.online_store import commands
    from plumbline.repo import artifacts

    if name is None:
        raise PlumblineError("features check: expected a store on servers; name it with --store")
    snapshots = artifacts.path(case.name, artifacts.Role.SNAPSHOTS)
    as_of = _day_to_serve(case.name)
    views = commands.check(Path("."), name, case, snapshots, as_of)
    say(f"{view}: {bad:,} of {count:,} entities differ" for view, (count, bad) in views.items())
    keep_json(
        json, {"store": name, "as_of": str(as_of), "differ": {v: n for v, (_, n) in views.items()}}
    )
    return 1 if any(bad for _, bad in views.values()) else 0


def _day_to_serve(usecase: str) -> date:
    from plumbline import config
    from plumbline.core.errors import ParamsError

    as_of = config.load(usecase).data.as_of
    if as_of is None:
        raise ParamsError(f"params.yaml, {usecase}.data.as_of: missing; set the day to serve")
    return as_of


@group.command("mlflow-ui", "", "--port 5001")
def mlflow_ui(
    port: Annotated[int, typer.Option(metavar="N", help="Port on this machine.")] = 5000,
) -> int:
    """Open MLflow's pages over the recorded runs.

    Serves until interrupted, to this machine only: MLflow's server has no authentication.
    """
    import os
    import subprocess
    import sys

    from plumbline.tracking import projection

    arguments = ["-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(port)]
    store = ["--backend-store-uri", projection.address()]
    return subprocess.call([sys.executable, *arguments, *store], env=os.environ)


@group.command("open-monitor", "", "my_table --no-open", "--html /tmp/pages")
def open_monitor(
    usecase: Usecases = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw the pages into FOLDER, from the JSON alone."),
    ] = None,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the page's address, open no browser.")
    ] = False,
) -> None:
    """Print the monitor's verdict and open its page."""
    import webbrowser

    from plumbline import config
    from plumbline.monitor import result
    from plumbline.repo import artifacts

    for name in config.selected(usecase or []):
        verdict = result.read(artifacts.metrics_path(name, "monitor"))
        address = _page(name, verdict, html).resolve().as_uri()
        say([f"{name}: {verdict.summary}", address])
        if not no_open:
            webbrowser.open(address)


def _page(name: str, verdict: MonitorResult, folder: Path | None) -> Path:
    """The page of the last run, or one drawn anew into `folder`."""
    from plumbline.core.errors import PlumblineError
    from plumbline.core.files import replacing
    from plumbline.monitor import page
    from plumbline.repo import artifacts

    if folder is None:
        path = artifacts.path(name, artifacts.Role.MONITOR_REPORT) / page.FILE
        if not path.is_file():
            raise PlumblineError(f"{path}: no such file; run `dvc checkout`, or `dvc repro`")
        return path
    path = folder / f"{name}-monitor.html"
    with replacing(path) as beside:
        beside.write_text(page.render(name, verdict), encoding="utf-8")
    return path
