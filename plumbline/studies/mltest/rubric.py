"""The 28 tests of the ML Test Score, by section.

Source: Breck, Cai, Nielsen, Salib, Sculley, "The ML Test Score: A Rubric for ML Production Readiness
and Technical Debt Reduction", IEEE Big Data 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

SECTIONS = ("Data", "Model", "Infra", "Monitor")
TITLES = {
    "Data": "Features and data",
    "Model": "Model development",
    "Infra": "Infrastructure",
    "Monitor": "Monitoring",
}


@dataclass(frozen=True)
class Test:
    """One test of the rubric. `rests`: what of it only a host's settings can hold, if anything."""

    id: str
    title: str
    rests: str = ""

    __test__ = False  # not pytest's

    @property
    def section(self) -> str:
        return self.id.split()[0]


TESTS = (
    Test("Data 1", "Feature expectations are captured in a schema"),
    Test("Data 2", "All features are beneficial"),
    Test("Data 3", "No feature's cost is too much"),
    Test("Data 4", "Features adhere to meta-level requirements"),
    Test("Data 5", "The data pipeline has appropriate privacy controls"),
    Test("Data 6", "New features can be added quickly"),
    Test("Data 7", "All input feature code is tested"),
    Test(
        "Model 1",
        "Model specs are reviewed and submitted",
        "a person's approval and the required check: branch protection on the host",
    ),
    Test("Model 2", "Offline and online metrics correlate"),
    Test("Model 3", "All hyperparameters have been tuned"),
    Test("Model 4", "The impact of model staleness is known"),
    Test("Model 5", "A simpler model is not better"),
    Test("Model 6", "Model quality is sufficient on important data slices"),
    Test("Model 7", "The model is tested for considerations of inclusion"),
    Test("Infra 1", "Training is reproducible"),
    Test("Infra 2", "Model specs are unit tested"),
    Test("Infra 3", "The ML pipeline is integration tested"),
    Test(
        "Infra 4",
        "Model quality is validated before serving",
        "that a refused change cannot be merged: the required check on the host",
    ),
    Test("Infra 5", "The model is debuggable"),
    Test("Infra 6", "Models are canaried before serving"),
    Test("Infra 7", "Serving models can be rolled back"),
    Test(
        "Monitor 1",
        "Dependency changes result in notification",
        "that Dependabot and the nightly workflow are switched on at the host",
    ),
    Test("Monitor 2", "Data invariants hold for inputs"),
    Test("Monitor 3", "Training and serving are not skewed"),
    Test("Monitor 4", "Models are not too stale"),
    Test("Monitor 5", "Models are numerically stable"),
    Test("Monitor 6", "Computing performance has not regressed"),
    Test("Monitor 7", "Prediction quality has not regressed"),
)
IDS = tuple(t.id for t in TESTS)
