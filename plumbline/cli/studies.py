"""Commands that study a model: in the past, its settings, its features, one prediction, its tests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import (
    CommandGroup,
    FirstUsecase,
    Json,
    Plot,
    Usecase,
    keep_json,
    keep_text,
    say,
    usecase_names,
)
from plumbline.cli.study_results import at_least, keep_study

group = CommandGroup("Studies")

PERSONAL = ("data", "models", "reports", "metrics", "profiles", ".plumbline")


@group.command("backtest", "", "my_table --origins 10 --keep")
def backtest(
    usecase: FirstUsecase = None,
    origins: Annotated[
        int | None, typer.Option(metavar="N", help="Number of models, one after another.")
    ] = None,
    json: Json = None,
    plot: Plot = None,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep",
            help="Write profiles/USECASE.staleness.json, for git: how quality falls with age; and make the "
            "shelf life the limit of age, monitor.shelf_life_days in params.yaml.",
        ),
    ] = False,
) -> None:
    """Train as of many past days and evaluate on what followed.

    Writes reports/USECASE/backtest/.
    """
    from plumbline import config
    from plumbline.core.files import write_json
    from plumbline.repo import artifacts
    from plumbline.studies.backtest import plots, shelf_life, study, text_report

    at_least("--origins", origins, 2)
    name = usecase or config.first()
    result = study.study(Path("."), name, origins)
    say(text_report.lines(result))
    target = keep_study("backtest", name, result, plots.draw, json, plot)
    if keep:
        profile = artifacts.path(name, artifacts.Role.ACCEPTED_PROFILE)
        write_json(profile.with_name(f"{name}.staleness.json"), result.staleness.plain())
        say([shelf_life.keep(Path("params.yaml"), name, result.staleness)])
    say([f"wrote {target}"])


@group.command(
    "explain",
    "1234",
    "1234 --usecase my_table --json why.json",
    "9f2c7e0a51",
    "--usecase my_table --key 1234",
)
def explain(
    event: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The event's key, in the test or current table; or the id of a request that was served.",
        ),
    ] = None,
    usecase: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Use case; the first in params.yaml if omitted, and for a request every log.",
            autocompletion=usecase_names,
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="Key of an event that was served, of the request ID if given."
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Explain one event's score, feature by feature.

    Shows contributions that sum to the score, similar events, and what the score was computed from. Of a served
    event, from the prediction log: as it was then, with its outcome.
    """
    from plumbline.studies.explain import lookup

    record, lines = lookup.explain(Path("."), usecase, event, key)
    say(lines)
    keep_json(json, record)


@group.command("feature-value", "my_table", "my_table --seeds 5 --json features.json")
def feature_value(
    usecase: Usecase,
    seeds: Annotated[int, typer.Option(metavar="N", help="Number of trainings.")] = 3,
    noise: Annotated[int, typer.Option(metavar="N", help="Shuffled columns in each training.")] = 5,
    json: Json = None,
) -> int:
    """Measure what each feature adds beside noise, and its cost.

    Exits with 1 if a feature is no better than noise or too expensive.
    """
    from plumbline import config
    from plumbline.core import usecase_loader
    from plumbline.repo import artifacts
    from plumbline.repo.artifacts import Role
    from plumbline.studies.feature_value import study, text_report

    at_least("--seeds", seeds, 1)
    at_least("--noise", noise, 1)
    result = study.study(
        usecase_loader.load(usecase),
        config.load(usecase),
        artifacts.path(usecase, Role.TRAIN_TABLE),
        artifacts.path(usecase, Role.VALID_TABLE),
        artifacts.path(usecase, Role.BUNDLE),
        seeds=seeds,
        noise=noise,
    )
    keep_json(json, result)
    say(text_report.lines(result))
    against = list(
        text_report.against(result, study.too_expensive(result.yardsticks, result.features))
    )
    say(against)
    return 1 if against else 0


@group.command("mltest", "", "--least 7")
def mltest(
    json: Annotated[Path, typer.Option(metavar="FILE", help="Scorecard as JSON.")] = Path(
        "scorecard.json"
    ),
    html: Annotated[Path, typer.Option(metavar="FILE", help="Scorecard as a page.")] = Path(
        "reports/scorecard.html"
    ),
    badge: Annotated[Path, typer.Option(metavar="FILE", help="Badge (SVG).")] = Path(
        "reports/scorecard.svg"
    ),
    least: Annotated[int, typer.Option(metavar="N", help="Exit with 1 if the score is lower.")] = 0,
) -> int:
    """Compute the ML Test Score from recorded tests and faults.

    `make score` runs the tests and the planted faults first. Exits with 1 below --least.
    """
    from plumbline.studies.mltest import card, scorecard_page

    score = card.read(Path("."))
    say(card.lines(score))
    keep_json(json, score)
    keep_text(html, scorecard_page.render(score))
    keep_text(badge, scorecard_page.badge(score))
    say([f"wrote {json}, {html}, {badge}"])
    return 1 if score.score < least else 0


@group.command("scan-pii", "", "reports data/my_table --json findings.json")
def scan_pii(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH", help=f"Files and folders; if omitted: {' '.join(PERSONAL)}."
        ),
    ] = None,
    json: Json = None,
) -> int:
    """Search outputs and logs for personal data.

    Finds card numbers, e-mail addresses and names, and prints them masked. Exits with 1 if there is one.
    """
    from plumbline import config
    from plumbline.core import usecase_loader
    from plumbline.core.errors import PlumblineError
    from plumbline.studies.privacy import scan

    for path in paths or ():
        if not path.exists():
            raise PlumblineError(f"{path}: no such file or folder; name one that exists")
    searched = paths or list(scan.outputs(map(Path, PERSONAL)))
    owners = {usecase_loader.load(name).owner for name in config.read()["usecases"]}
    findings = []
    for path, hit in scan.search(searched, owners):
        say([f"{path}: {hit.kind} {hit.shown}"])
        findings.append({"path": str(path), "kind": hit.kind, "shown": hit.shown})
    keep_json(json, {"findings": findings})
    if findings:
        say([f"{len(findings)} things found that should not be there"])
    else:
        say(["nothing personal found"])
    return 1 if findings else 0


@group.command("sensitivity", "", "my_table --points 5")
def sensitivity(
    usecase: FirstUsecase = None,
    points: Annotated[int, typer.Option(metavar="N", help="Values per setting.")] = 6,
    json: Json = None,
    plot: Plot = None,
) -> None:
    """Measure what each tuned setting costs away from its best.

    Writes reports/USECASE/sensitivity/.
    """
    from plumbline import config
    from plumbline.studies.sensitivity import plots, study, text_report

    at_least("--points", points, 2)
    name = usecase or config.first()
    result = study.study(Path("."), name, points)
    say(text_report.lines(result))
    target = keep_study("sensitivity", name, result, plots.draw, json, plot)
    say([f"wrote {target}"])
