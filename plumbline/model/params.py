"""XGBoost's own settings as they stand in params.yaml, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator

from plumbline.core.params_base import grammar
from plumbline.model import booster_settings


def _settings(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return grammar(booster_settings.check, value)


BoosterParams = Annotated[Mapping[str, Any], AfterValidator(_settings)]
