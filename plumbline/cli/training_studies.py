"""Commands that study how a model is made: its rows, rounds and trials, its search, its features' age."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plumbline.cli.options import CommandGroup, FirstUsecase, Json, Plot, say
from plumbline.cli.study_results import at_least, keep_study

group = CommandGroup("Studies")


@group.command("learning-curve", "", "my_table --points 4 --seeds 5")
def learning_curve(
    usecase: FirstUsecase = None,
    points: Annotated[
        int,
        typer.Option(metavar="N", help="Sizes of train, each twice the one before, up to all."),
    ] = 5,
    seeds: Annotated[int, typer.Option(metavar="N", help="Models of each size.")] = 3,
    entity: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Entity of which shares are taken; if omitted, the first."
        ),
    ] = None,
    json: Json = None,
    plot: Plot = None,
) -> None:
    """Measure whether more rows, rounds or trials would pay.

    Fits models on the latest days and on shares of the entities. Writes reports/USECASE/learning_curve/.
    """
    from plumbline import config
    from plumbline.studies.learning_curve import plots, study, text_report

    at_least("--points", points, 2)
    at_least("--seeds", seeds, 3)
    name = usecase or config.first()
    result = study.study(Path("."), name, points=points, seeds=seeds, entity=entity)
    say(text_report.lines(result))
    target = keep_study("learning_curve", name, result, plots.draw, json, plot)
    say([f"wrote {target}"])


@group.command("search-methods", "", "my_table --trials 24 --startup 8 --seeds 5 --days 60")
def search_methods(
    usecase: FirstUsecase = None,
    trials: Annotated[int, typer.Option(metavar="N", help="Trials of each search.")] = 30,
    seeds: Annotated[int, typer.Option(metavar="N", help="Searches with each method.")] = 5,
    startup: Annotated[
        int | None,
        typer.Option(metavar="N", help="Random trials of TPE; tune.startup if omitted."),
    ] = None,
    days: Annotated[
        int | None,
        typer.Option(metavar="N", help="Latest days of train to learn from; all if omitted."),
    ] = None,
    json: Json = None,
    plot: Plot = None,
) -> None:
    """Compare TPE, random and grid search at equal trials.

    Paired by seed. Writes reports/USECASE/search_methods/.
    """
    from plumbline import config
    from plumbline.studies.search_methods import plots, study, text_report

    for option, value, least in (
        ("--trials", trials, 2),
        ("--seeds", seeds, 3),
        ("--startup", startup, 1),
        ("--days", days, 1),
    ):
        at_least(option, value, least)
    name = usecase or config.first()
    result = study.study(Path("."), name, trials=trials, seeds=seeds, startup=startup, days=days)
    say(text_report.lines(result))
    target = keep_study("search_methods", name, result, plots.draw, json, plot)
    say([f"wrote {target}"])


@group.command("freshness", "", "my_table --hours 6 --hours 48")
def freshness(
    usecase: FirstUsecase = None,
    hours: Annotated[
        list[float] | None,
        typer.Option(metavar="H", help="Ages of the features; if omitted, 1, 24 and 168."),
    ] = None,
    json: Json = None,
    plot: Plot = None,
) -> None:
    """Measure what the model loses where its features are old.

    Scores the test window with histories cut earlier. Writes reports/USECASE/freshness/.
    """
    from plumbline import config
    from plumbline.studies.freshness import plots, study, text_report

    name = usecase or config.first()
    result = study.study(Path("."), name, hours or study.AGES)
    say(text_report.lines(result))
    target = keep_study("freshness", name, result, plots.draw, json, plot)
    say([f"wrote {target}"])
