"""The settings of a GitHub repository, as far as a token may read them. An edge: the network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from plumbline.ops.hosting.github import Answer, ForbiddenError, GitHub, HostingError, quoted

ENVIRONMENT, TAGS = "main", "refs/tags/model-v*"
Value = TypeVar("Value")


@dataclass(frozen=True)
class RepositorySettings:
    """What GitHub answers, by setting; None where the token may not read it."""

    repository: Answer | None
    rules: list[Answer] | None
    """Of the branch: those of rulesets, and classic protection in the same form."""
    owner_errors: list[Answer] | None
    tag_rules: list[Answer] | None
    """The active rules of rulesets for tags model-v*."""
    environment: Answer | None
    """Empty where there is none."""
    branch_policies: list[Answer] | None
    repository_secrets: list[str] | None
    environment_secrets: list[str] | None
    variables: list[str] | None
    workflow: Answer | None


def read(hub: GitHub, branch: str) -> RepositorySettings:
    """All of them, each by a request that only reads."""
    place = f"environments/{quoted(ENVIRONMENT)}"
    return RepositorySettings(
        repository=_readable(lambda: hub.get("")),
        rules=_readable(lambda: _rules(hub, branch)),
        owner_errors=_readable(lambda: _or_none(hub, "codeowners/errors", NO_FILE)["errors"]),
        tag_rules=_readable(lambda: _tag_rules(hub)),
        environment=_readable(lambda: _or_none(hub, place, {})),
        branch_policies=_readable(
            lambda: _or_none(hub, f"{place}/deployment-branch-policies", {"branch_policies": []})[
                "branch_policies"
            ]
        ),
        repository_secrets=_readable(
            lambda: _names(hub.get("actions/secrets?per_page=100"), "secrets")
        ),
        environment_secrets=_readable(
            lambda: _names(
                _or_none(hub, f"{place}/secrets?per_page=100", {"secrets": []}), "secrets"
            )
        ),
        variables=_readable(lambda: _names(hub.get("actions/variables?per_page=30"), "variables")),
        workflow=_readable(lambda: hub.get("actions/permissions/workflow")),
    )


NO_FILE: Answer = {"errors": [{"message": "there is no CODEOWNERS file"}]}


def _readable(ask: Callable[[], Value]) -> Value | None:
    try:
        return ask()
    except ForbiddenError:
        return None


def _or_none(hub: GitHub, path: str, absent: Answer) -> Answer:
    """An answer, or `absent` where GitHub answers 404."""
    try:
        return hub.get(path)
    except HostingError as error:
        if error.status != 404:
            raise
        return absent


def _names(answer: Answer, key: str) -> list[str]:
    return [str(entry["name"]) for entry in answer[key]]


def _rules(hub: GitHub, branch: str) -> list[Answer]:
    """The rules of rulesets, which anyone may read, and classic protection, which an administrator may."""
    rules: list[Answer] = list(hub.get(f"rules/branches/{quoted(branch)}?per_page=100"))  # type: ignore[arg-type]
    try:
        classic = _or_none(hub, f"branches/{quoted(branch)}/protection", {})
    except ForbiddenError:
        if not rules:
            raise
        return rules
    return rules + _as_rules(classic)


def _as_rules(protection: Answer) -> list[Answer]:
    """Classic branch protection as rules of a ruleset."""
    rules: list[Answer] = []
    checks, reviews = (
        protection.get(f"required_{k}") for k in ("status_checks", "pull_request_reviews")
    )
    if checks:
        contexts = [{"context": name} for name in checks.get("contexts", [])]
        strict = bool(checks.get("strict"))
        rules.append(_rule("required_status_checks", contexts, strict))
    if reviews:
        parameters = {
            "required_approving_review_count": reviews.get("required_approving_review_count", 0),
            "require_code_owner_review": bool(reviews.get("require_code_owner_reviews")),
            "dismiss_stale_reviews_on_push": bool(reviews.get("dismiss_stale_reviews")),
        }
        rules.append({"type": "pull_request", "parameters": parameters})
    for name, kind in (("allow_force_pushes", "non_fast_forward"), ("allow_deletions", "deletion")):
        if protection and not (protection.get(name) or {}).get("enabled"):
            rules.append({"type": kind})
    return rules


def _rule(kind: str, contexts: list[Answer], strict: bool) -> Answer:
    parameters = {
        "required_status_checks": contexts,
        "strict_required_status_checks_policy": strict,
    }
    return {"type": kind, "parameters": parameters}


def _tag_rules(hub: GitHub) -> list[Answer]:
    listed: Any = hub.get("rulesets?targets=tag&per_page=100")
    active = [r for r in listed if r["target"] == "tag" and r["enforcement"] == "active"]
    rules: list[Answer] = []
    for entry in active:
        whole = hub.get(f"rulesets/{entry['id']}")
        include = ((whole.get("conditions") or {}).get("ref_name") or {}).get("include") or []
        if {TAGS, "~ALL"} & set(include):
            rules += whole["rules"]
    return rules
