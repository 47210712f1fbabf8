"""The settings of a GitHub repository, as far as a token may read them. An edge: the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from plumbline.ops.hosting.github import Answer, GitHub, HostingError, quoted

ENVIRONMENT, TAGS = "main", "refs/tags/model-v*"
UNPROTECTED = "Branch not protected"
"""GitHub's words for a branch without classic protection; any other 404 may hide what a token may not read."""
UNREAD = (401, 403, 404)
Value = TypeVar("Value")


@dataclass(frozen=True)
class RepositorySettings:
    """What GitHub answers, by setting; None where there is none or the token may not read it."""

    repository: Answer | None
    rules: list[Answer] | None
    """Of the branch: those of rulesets, and classic protection in the same form."""
    bypass: list[Answer] | None
    """Who may pass over those rules."""
    owner_errors: list[Answer] | None
    tag_rules: list[Answer] | None
    """The active rules of rulesets for tags model-v*."""
    environment: Answer | None
    branch_policies: list[Answer] | None
    repository_secrets: list[str] | None
    environment_secrets: list[str] | None
    variables: list[str] | None
    workflow: Answer | None
    forks: Answer | None
    """Of a public repository whose runs wait for approval; of a private one what a fork's run receives."""


def read(hub: GitHub, branch: str) -> RepositorySettings:
    """All of them, each by a request that only reads."""
    place = f"environments/{quoted(ENVIRONMENT)}"
    repository = _readable(lambda: hub.get(""))
    classic = _readable(lambda: _protection(hub, branch))
    listed = _readable(lambda: hub.every(f"rules/branches/{quoted(branch)}"))
    return RepositorySettings(
        repository=repository,
        rules=_rules(listed, classic),
        bypass=_readable(lambda: _bypass(hub, listed, classic)),
        owner_errors=_readable(lambda: hub.get("codeowners/errors")["errors"]),
        tag_rules=_readable(lambda: _tag_rules(hub)),
        environment=_readable(lambda: hub.get(place)),
        branch_policies=_readable(
            lambda: hub.every(f"{place}/deployment-branch-policies", "branch_policies")
        ),
        repository_secrets=_readable(lambda: _names(hub, "actions/secrets", "secrets")),
        environment_secrets=_readable(lambda: _names(hub, f"{place}/secrets", "secrets")),
        variables=_readable(lambda: _names(hub, "actions/variables", "variables")),
        workflow=_readable(lambda: hub.get("actions/permissions/workflow")),
        forks=_readable(lambda: hub.get(_forks(repository))),
    )


def _readable(ask: Callable[[], Value]) -> Value | None:
    try:
        return ask()
    except HostingError as error:
        if error.status not in UNREAD:
            raise
        return None


def _names(hub: GitHub, path: str, key: str) -> list[str]:
    return [str(entry["name"]) for entry in hub.every(path, key)]


def _forks(repository: Answer | None) -> str:
    """GitHub answers each of the two for repositories of its own kind only."""
    private = bool((repository or {}).get("private"))
    kind = "fork-pr-workflows-private-repos" if private else "fork-pr-contributor-approval"
    return f"actions/permissions/{kind}"


def _protection(hub: GitHub, branch: str) -> Answer:
    """Classic protection, which an administrator may read; empty where GitHub says that there is none."""
    try:
        return hub.get(f"branches/{quoted(branch)}/protection")
    except HostingError as error:
        if error.status == 404 and UNPROTECTED in str(error):
            return {}
        raise


def _rules(listed: Sequence[Answer] | None, classic: Answer | None) -> list[Answer] | None:
    """The rules of rulesets, which anyone may read, and classic protection; unread only where nothing is known."""
    if listed is None or (classic is None and not listed):
        return None
    return [*listed, *_as_rules(classic or {})]


def _as_rules(protection: Answer) -> list[Answer]:
    """Classic branch protection as rules of a ruleset."""
    rules: list[Answer] = []
    checks, reviews = (
        protection.get(f"required_{k}") for k in ("status_checks", "pull_request_reviews")
    )
    if checks:
        named = (*checks.get("contexts", []), *(c["context"] for c in checks.get("checks", [])))
        contexts = [{"context": name} for name in dict.fromkeys(named)]
        rules.append(_rule("required_status_checks", contexts, bool(checks.get("strict"))))
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


def _bypass(
    hub: GitHub, listed: Sequence[Answer] | None, classic: Answer | None
) -> list[Answer] | None:
    """Who may pass over the rules of the branch; None where a part of it is not shown to this token."""
    if listed is None or (classic is None and not listed):
        return None
    found = _classic_bypass(classic or {})
    for number in dict.fromkeys(rule.get("ruleset_id") for rule in listed):
        whole = hub.get(f"rulesets/{number}")
        if "bypass_actors" not in whole:  # shown to those who may write the ruleset
            return None
        found += whole["bypass_actors"]
    return found


def _classic_bypass(protection: Answer) -> list[Answer]:
    found: list[Answer] = []
    if protection and not (protection.get("enforce_admins") or {}).get("enabled"):
        found.append({"actor_type": "administrators"})
    allowed = (protection.get("required_pull_request_reviews") or {}).get(
        "bypass_pull_request_allowances"
    )
    for kind, actors in (allowed or {}).items():
        found += [{"actor_type": kind}] * len(actors)
    return found


def _tag_rules(hub: GitHub) -> list[Answer]:
    listed = hub.every("rulesets", query={"targets": "tag"})
    active = [r for r in listed if r["target"] == "tag" and r["enforcement"] == "active"]
    rules: list[Answer] = []
    for entry in active:
        whole = hub.get(f"rulesets/{entry['id']}")
        if _covers((whole.get("conditions") or {}).get("ref_name") or {}):
            rules += whole["rules"]
    return rules


def _covers(names: Answer) -> bool:
    """Whether a ruleset's condition takes in all tags model-v*, and leaves none of them out."""
    include, exclude = (names.get(kind) or [] for kind in ("include", "exclude"))
    return not exclude and any(one == "~ALL" or fnmatchcase(TAGS, one) for one in include)


def described(actor: Any) -> str:
    """An actor of a bypass list in words."""
    return str(actor.get("actor_type") or "somebody")
