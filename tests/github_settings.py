"""What the stand-in for GitHub says of a repository's settings, by path below the repository.

Checked against GitHub's REST documentation (api version 2022-11-28):

| behaviour | page |
|---|---|
| the repository; `allow_merge_commit` and its like are given only to who may push or administer | repos/repos, "Get a repository" |
| the rules of all rulesets that apply to a branch, without those of classic protection | repos/rules, "Get rules for a branch" |
| classic protection needs administration: read; 404 "Branch not protected" where there is none | branches/branch-protection, "Get branch protection" |
| `targets` filters rulesets; the list is without conditions and rules, one ruleset has them | repos/rules, "Get all repository rulesets", "Get a repository ruleset" |
| errors of CODEOWNERS; 404 where there is no such file | repos/repos, "List CODEOWNERS errors" |
| an environment and its branch policies; 404 where there is none | deployments/environments, deployments/branch-policies |
| secrets and variables by name, under `secrets` and `variables`; 403 without that permission | actions/secrets, actions/variables |
| `default_workflow_permissions` is read or write | actions/permissions, "Get default workflow permissions for a repository" |
"""

from __future__ import annotations

from typing import Any

CHECKS = ("lint, types, tests", "review by numbers")
ADMINISTRATION = (
    "branches/main/protection",
    "actions/secrets",
    "actions/variables",
    "actions/permissions/workflow",
    "environments/main/secrets",
)
"""What a token without more than `contents: read` is refused."""


def good() -> dict[str, Any]:
    """Every setting as the checklist has it, by rulesets."""
    checks = {
        "required_status_checks": [{"context": name} for name in CHECKS],
        "strict_required_status_checks_policy": True,
    }
    reviews = {
        "required_approving_review_count": 1,
        "require_code_owner_review": True,
        "dismiss_stale_reviews_on_push": True,
    }
    return {
        "": {"allow_merge_commit": True, "allow_squash_merge": False, "allow_rebase_merge": False},
        "rules/branches/main": [
            {"type": "required_status_checks", "parameters": checks},
            {"type": "pull_request", "parameters": reviews},
            {"type": "non_fast_forward"},
            {"type": "deletion"},
        ],
        "codeowners/errors": {"errors": []},
        "rulesets": [{"id": 7, "target": "tag", "enforcement": "active"}],
        "rulesets/7": {
            "conditions": {"ref_name": {"include": ["refs/tags/model-v*"], "exclude": []}},
            "rules": [{"type": "creation"}, {"type": "update"}, {"type": "deletion"}],
        },
        "environments/main": {"name": "main"},
        "environments/main/deployment-branch-policies": {
            "branch_policies": [{"name": "main"}, {"name": "model-v*"}]
        },
        "environments/main/secrets": {"secrets": [{"name": "DVC_WRITE_KEY_ID"}]},
        "actions/secrets": {"secrets": [{"name": "DVC_READ_KEY_ID"}]},
        "actions/variables": {"variables": [{"name": "DVC_REMOTE_URL"}]},
        "actions/permissions/workflow": {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": False,
        },
    }


def classic() -> dict[str, Any]:
    """The same for the branch, by classic protection."""
    return {
        "rules/branches/main": [],
        "branches/main/protection": {
            "required_status_checks": {"strict": True, "contexts": list(CHECKS)},
            "required_pull_request_reviews": {
                "required_approving_review_count": 1,
                "require_code_owner_reviews": True,
                "dismiss_stale_reviews": True,
            },
            "allow_force_pushes": {"enabled": False},
            "allow_deletions": {"enabled": False},
        },
    }
