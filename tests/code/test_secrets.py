"""What params.yaml may name of the environment, and what it may not hold itself."""

from __future__ import annotations

import pytest

from plumbline.core.errors import PlumblineError
from plumbline.data.environment import expand

FOREIGN = (
    *("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MLFLOW_TRACKING_PASSWORD", "SMTP_PASSWORD"),
    *("PGPASSWORD", "HOME", "data_shop", "PLUMBLINE_STATE", "X_PLUMBLINE_DATA_SHOP"),
    "plumbline_data_shop",
)


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("key", ["data.url", "data.address"])
def test_variables_of_others_are_out_of_reach(
    name: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "hush")
    with pytest.raises(PlumblineError, match=rf"{key}: .*{name}.*PLUMBLINE_DATA_") as refusal:
        expand(f"https://x.example/?a=${{PLUMBLINE_DATA_A}}&b=${{{name}}}", key)
    assert "hush" not in str(refusal.value)


def test_variables_for_data_are_filled_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_DATA_SHOP", "a${HOME}b")
    assert expand("https://x/?k=${PLUMBLINE_DATA_SHOP}", "data.url") == "https://x/?k=a${HOME}b"
    with pytest.raises(PlumblineError, match="no variable PLUMBLINE_DATA_SHIP"):
        expand("${PLUMBLINE_DATA_SHIP}", "data.url")
