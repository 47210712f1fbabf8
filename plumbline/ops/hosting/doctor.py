"""Are a repository's settings those of the checklist in docs/pull-requests.md? Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from plumbline.ops.hosting.github import Answer
from plumbline.ops.hosting.settings import RepositorySettings, described

CHECKS = ("lint, types, tests", "review by numbers")
WRITE_KEYS = ("DVC_WRITE_KEY_ID", "DVC_WRITE_SECRET", "MLFLOW_TRACKING_PASSWORD")
Result = Literal["ok", "wrong", "cannot tell"]


@dataclass(frozen=True)
class SettingFinding:
    """One line of the checklist: as it should be, what was found, how to set it."""

    title: str
    result: Result
    expected: str
    found: str
    remedy: str

    @property
    def line(self) -> str:
        """As printed."""
        start = f"{self.result}: {self.title}: {self.expected}"
        return start if self.result == "ok" else f"{start}; found: {self.found}; {self.remedy}"


def check(settings: RepositorySettings) -> list[SettingFinding]:
    """Every setting of the checklist, in its order."""
    return [
        *_branch(settings.rules),
        _bypass(settings.rules, settings.bypass),
        _owners(settings.owner_errors),
        _tags(settings.tag_rules),
        _environment(settings.environment, settings.branch_policies),
        _write_keys(settings.repository_secrets, settings.environment_secrets),
        _merge_method(settings.repository),
        _token(settings.workflow),
        _forks(settings.forks),
        _remote(settings.variables),
    ]


def _branch(rules: list[Answer] | None) -> Iterator[SettingFinding]:
    place = "Settings > Rules > Rulesets, for the branch main"
    every = None if rules is None else _parameters(rules, "required_status_checks")
    contexts = {c["context"] for p in every or [] for c in p.get("required_status_checks", [])}
    lacking = [name for name in CHECKS if name not in contexts]
    required = f"required checks {' and '.join(f'`{name}`' for name in CHECKS)}"
    yield _finding("checks", required, every, _without(lacking), f"{place}: status checks")
    strict = any(p.get("strict_required_status_checks_policy") for p in every or [])
    queue = bool(rules) and any(rule["type"] == "merge_queue" for rule in rules or [])
    wrong = "" if strict or queue else "neither"
    yield _finding(
        "up to date", "branches up to date before merging, or a merge queue", every, wrong, place
    )
    reviews = None if rules is None else _parameters(rules, "pull_request")
    yield _finding("approvals", APPROVALS, reviews, _approvals(reviews or []), place)
    kinds = {rule["type"] for rule in rules or []}
    lacking = [name for name in ("non_fast_forward", "deletion") if name not in kinds]
    wrong = f"no rule {', '.join(lacking)}" if lacking else ""
    yield _finding("history", "no force push to main and no deletion", rules, wrong, place)


def _bypass(rules: list[Answer] | None, bypass: list[Answer] | None) -> SettingFinding:
    actors = Counter(described(actor) for actor in bypass or [])
    wrong = ", ".join(f"{count} {kind}" for kind, count in sorted(actors.items()))
    if rules == []:
        wrong = "no rules"
    remedy = "Settings > Rules > Rulesets, for the branch main: an empty bypass list"
    return _finding("bypass", "nobody bypasses the rules for main", bypass, wrong, remedy)


APPROVALS = "one approval, from a code owner, dismissed by a new push"


def _approvals(reviews: list[Answer]) -> str:
    wanted = {
        "required_approving_review_count": "no approval required",
        "require_code_owner_review": "not from a code owner",
        "dismiss_stale_reviews_on_push": "kept after a new push",
    }
    return ", ".join(text for key, text in wanted.items() if not any(p.get(key) for p in reviews))


def _owners(errors: list[Answer] | None) -> SettingFinding:
    texts = [str(error["message"]).split("\n")[0] for error in errors or []]
    remedy = "put your teams into .github/CODEOWNERS, and give them write access"
    return _finding("CODEOWNERS", "no error in the file", errors, "; ".join(texts[:3]), remedy)


def _tags(rules: list[Answer] | None) -> SettingFinding:
    kinds = {rule["type"] for rule in rules or []}
    lacking = [kind for kind in ("creation", "update", "deletion") if kind not in kinds]
    wrong = f"not restricted: {', '.join(lacking)}" if lacking else ""
    remedy = (
        "Settings > Rules > Rulesets, for tags model-v*, with those who release on its bypass list"
    )
    expected = "creation, update and deletion of tags model-v* restricted"
    return _finding("tags", expected, rules, wrong, remedy)


def _environment(place: Answer | None, policies: list[Answer] | None) -> SettingFinding:
    readable = None if place is None or policies is None else policies
    names = sorted((str(p["name"]), str(p.get("type", ""))) for p in policies or [])
    right = [("main", "branch"), ("model-v*", "tag")]
    own = (place or {}).get("deployment_branch_policy") or {}
    anything = "protected branches" if own.get("protected_branches") else "any branch and tag"
    listed = ", ".join(f"{kind} {name}".strip() for name, kind in names)
    wrong = "" if names == right else listed or anything
    return _finding(
        "environment",
        "environment main, for the branch main and tags model-v* only",
        readable,
        wrong,
        "Settings > Environments > main: selected branches and tags",
    )


def _write_keys(repository: list[str] | None, environment: list[str] | None) -> SettingFinding:
    readable = None if repository is None or environment is None else repository
    wrong = [name for name in WRITE_KEYS if name in (repository or [])]
    remedy = (
        "move them to the environment main: a pull request's workflow reads those of the repository"
    )
    expected = "keys that may write only in the environment main"
    found = f"secrets of the repository: {', '.join(wrong)}" if wrong else ""
    return _finding("keys", expected, readable, found, remedy)


def _merge_method(repository: Answer | None) -> SettingFinding:
    readable = repository if repository and "allow_merge_commit" in repository else None
    methods = [k for k in METHODS if (repository or {}).get(k)]
    wrong = "" if len(methods) == 1 else f"{len(methods)}: {', '.join(methods)}"
    remedy = "Settings > General > Pull requests"
    return _finding("merge method", "one method, the same for all", readable, wrong, remedy)


METHODS = ("allow_merge_commit", "allow_squash_merge", "allow_rebase_merge")


def _token(workflow: Answer | None) -> SettingFinding:
    given = workflow or {}
    wrong = [
        *(["it may write"] if given.get("default_workflow_permissions") != "read" else []),
        *(["it may approve"] if given.get("can_approve_pull_request_reviews") else []),
    ]
    expected = "the workflows' token reads by default, and approves no pull request"
    remedy = "Settings > Actions > General > Workflow permissions (`plumbline propose` needs a token of its own)"
    return _finding("token", expected, workflow, ", ".join(wrong), remedy)


def _forks(settings: Answer | None) -> SettingFinding:
    """A stranger's first run waits for somebody; a fork of a private repository gets no key and no writing token."""
    given = settings or {}
    sent = [text for key, text in SENT.items() if given.get(key)]
    policy = given.get("approval_policy")
    wrong = ", ".join(sent) or (f"{policy}" if policy == WEAKEST else "")
    expected = "a stranger's runs wait for approval, and a fork's run gets no key"
    remedy = "Settings > Actions > General > Approval for running fork pull request workflows"
    return _finding("forks", expected, settings, wrong, remedy)


WEAKEST = "first_time_contributors_new_to_github"
"""Only a new account's first run waits."""
SENT = {
    "send_write_tokens_to_workflows": "a token that may write is sent",
    "send_secrets_and_variables": "secrets are sent",
}


def _remote(variables: list[str] | None) -> SettingFinding:
    wrong = "" if "DVC_REMOTE_URL" in (variables or []) else "not set"
    remedy = "Settings > Secrets and variables > Actions > Variables"
    return _finding("remote", "the variable DVC_REMOTE_URL", variables, wrong, remedy)


def _finding(
    title: str, expected: str, read: object | None, wrong: str, remedy: str
) -> SettingFinding:
    """`read` None: there is none, or the token may not read it; `wrong`: what was found where it is not as expected."""
    if read is None:
        return SettingFinding(title, "cannot tell", expected, UNKNOWN, f"{remedy}; {ADMINISTRATOR}")
    return SettingFinding(title, "wrong" if wrong else "ok", expected, wrong, remedy)


UNKNOWN = "there is none, or the token may not read it"
ADMINISTRATOR = (
    "or use an administrator's token that may read administration, secrets and variables"
)


def _without(lacking: list[str]) -> str:
    return f"not required: {', '.join(lacking)}" if lacking else ""


def _parameters(rules: list[Answer], kind: str) -> list[Answer]:
    return [rule.get("parameters") or {} for rule in rules if rule["type"] == kind]
