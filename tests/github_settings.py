"""What the stand-in for GitHub says of a repository's settings, by path below the repository.

Checked against GitHub's REST documentation (api version 2022-11-28) and, field by field, against the structures of
github:google/go-github, whose openapi_operations.yaml is made from GitHub's own description:

| behaviour | page; file of go-github |
|---|---|
| the repository; `allow_merge_commit` and its like are given only to who may push or administer | repos/repos, "Get a repository" |
| the rules of all active rulesets that apply to a branch, with `ruleset_id`, without those of classic protection | repos/rules, "Get rules for a branch"; github/rules.go, `BranchRules` |
| classic protection needs administration: read; 404 "Branch not protected" where there is none, and 404 "Not Found" where it may not be read | branches/branch-protection, "Get branch protection"; github/repos.go, `githubBranchNotProtected` |
| `contexts` of required checks are deprecated for `checks`; `enforce_admins`, `allow_force_pushes`, `allow_deletions` have `enabled` | github/repos.go, `Protection`, `RequiredStatusChecks` |
| `bypass_actors` of a ruleset are shown to those who may write it | repos/rules, "Get a repository ruleset"; github/rules.go, `RepositoryRuleset` |
| `targets` filters rulesets; the list is without conditions and rules, one ruleset has them | repos/rules, "Get all repository rulesets", "Get a repository ruleset" |
| errors of CODEOWNERS, each with `message`; 404 where there is no such file | repos/repos, "List CODEOWNERS errors"; github/repos_codeowners.go |
| an environment and its branch policies, each with `name` and `type`; 404 where there is none; `protected_branches` without a list | deployments/environments, deployments/branch-policies; github/repos_environments.go, repos_deployment_branch_policies.go |
| secrets and variables by name, under `secrets` and `variables`; 403 without that permission | actions/secrets, actions/variables |
| variables come 30 at most a page, secrets 100 | actions/variables, actions/secrets |
| `default_workflow_permissions` is read or write | actions/permissions, "Get default workflow permissions for a repository" |
| `approval_policy` is one of three; 422 for a private repository | actions/permissions, "Get fork PR contributor approval permissions for a repository" |
| of a private repository what its forks' runs receive; 422 for a public one | actions/permissions, "Get private repo fork PR workflow settings for a repository"; github/actions_workflows.go |
"""

from __future__ import annotations

from typing import Any

CHECKS = ("lint, types, tests", "review by numbers")
ADMINISTRATION = (
    "branches/main/protection",
    "actions/secrets",
    "actions/variables",
    "actions/permissions/workflow",
    "actions/permissions/fork-pr-contributor-approval",
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
            {"type": "required_status_checks", "parameters": checks, "ruleset_id": 5},
            {"type": "pull_request", "parameters": reviews, "ruleset_id": 5},
            {"type": "non_fast_forward", "ruleset_id": 5},
            {"type": "deletion", "ruleset_id": 5},
        ],
        "rulesets/5": {"bypass_actors": []},
        "codeowners/errors": {"errors": []},
        "rulesets": [{"id": 7, "target": "tag", "enforcement": "active"}],
        "rulesets/7": {
            "conditions": {"ref_name": {"include": ["refs/tags/model-v*"], "exclude": []}},
            "rules": [{"type": "creation"}, {"type": "update"}, {"type": "deletion"}],
        },
        "environments/main": {"name": "main"},
        "environments/main/deployment-branch-policies": {
            "branch_policies": [
                {"name": "main", "type": "branch"},
                {"name": "model-v*", "type": "tag"},
            ]
        },
        "environments/main/secrets": {"secrets": [{"name": "DVC_WRITE_KEY_ID"}]},
        "actions/secrets": {"secrets": [{"name": "DVC_READ_KEY_ID"}]},
        "actions/variables": {"variables": [{"name": "DVC_REMOTE_URL"}]},
        "actions/permissions/workflow": {
            "default_workflow_permissions": "read",
            "can_approve_pull_request_reviews": False,
        },
        "actions/permissions/fork-pr-contributor-approval": {
            "approval_policy": "first_time_contributors"
        },
    }


def classic() -> dict[str, Any]:
    """The same for the branch, by classic protection."""
    return {
        "rules/branches/main": [],
        "branches/main/protection": {
            "required_status_checks": {
                "strict": True,
                "contexts": [CHECKS[0]],
                "checks": [{"context": name, "app_id": 15368} for name in CHECKS],
            },
            "enforce_admins": {"enabled": True},
            "required_pull_request_reviews": {
                "required_approving_review_count": 1,
                "require_code_owner_reviews": True,
                "dismiss_stale_reviews": True,
            },
            "allow_force_pushes": {"enabled": False},
            "allow_deletions": {"enabled": False},
        },
    }
