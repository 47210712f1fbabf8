"""Keys in the environment that no stage needs: taken out before its code, or a driver it loads, can see them."""

from __future__ import annotations

import os
import re

STORAGE = re.compile(
    r"AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|WEB_IDENTITY_TOKEN_FILE)|AZURE_\w*(KEY|SECRET|TOKEN|STRING)"
    r"|GOOGLE_APPLICATION_CREDENTIALS\w*|OSS_ACCESS_KEY_(ID|SECRET)"
)
"""Of object stores: DVC fetches before a stage starts; MLflow's process uploads with them."""
OTHERS = re.compile(
    r"GITHUB_TOKEN|GH_TOKEN|GITLAB_TOKEN|REPO_TOKEN|RETRAIN_TOKEN|PUSH_TOKEN|CI_JOB_TOKEN|ACTIONS_\w*TOKEN"
    r"|DVC_STUDIO_TOKEN|SMTP_(USER|PASSWORD)|\w+_WEBHOOK_URL|PGPASSWORD|PGPASSFILE|REDIS|REGISTRY"
)
"""Of the host, of mail and chat, of feature stores on servers."""

_withheld: dict[str, str] = {}


def withhold() -> None:
    """Take them out of this process's environment; a stage's SQL driver, too, would send PGPASSWORD to any host."""
    for name in sorted(os.environ):
        if STORAGE.fullmatch(name) or OTHERS.fullmatch(name):
            _withheld[name] = os.environ.pop(name)


def of_storage() -> dict[str, str]:
    """Those of object stores that were taken out, for a process that runs none of the stage's code."""
    return {name: value for name, value in _withheld.items() if STORAGE.fullmatch(name)}
