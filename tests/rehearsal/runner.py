"""One job's runner: see `tests/rehearsal/workflows.py`."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from typing import Any

from tests import warm as forks
from tests.github import READ_ONLY
from tests.rehearsal import uses
from tests.rehearsal.expressions import Refused, condition, fill
from tests.rehearsal.hub import Hub
from tests.rehearsal.records import Job, Run, Step

LEND = 'ln -sfn "{prefix}" .venv'
LEND_FORKS = 'mkdir .venv && ln -s "{bin}" .venv/bin'
SUBSTITUTES = {
    "make install": LEND,
    "make install-comment": LEND,
    "make lint": "true",
    "make test": "true",
    "make test-all": "true",
}
JOB_KEYS = {
    *("name", "runs-on", "timeout-minutes", "permissions", "env", "environment", "steps", "if"),
    *("needs", "outputs", "defaults", "concurrency"),
}
STEP_KEYS = {
    *("name", "id", "if", "uses", "with", "run", "env", "shell", "working-directory"),
    *("continue-on-error", "timeout-minutes"),
}
SHELLS = {"bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"], "": ["bash", "-e"]}
SECONDS = 300


class Runner:
    """One job's runner."""

    def __init__(
        self, hub: Hub, run: Run, workflow: Mapping[str, Any], name: str, github: Mapping[str, Any]
    ) -> None:
        self.hub, self.workflow_run, self.workflow = hub, run, workflow
        self.job = Job(name, workspace=run.folder / name / "plumbline")
        self.job.workspace.mkdir(parents=True)
        self.files = {
            key: run.folder / name / key.lower()
            for key in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")
        }
        self.given = dict(github)
        self.steps: dict[str, dict[str, Any]] = {}
        self.env: dict[str, str] = {}

    def run(self, job: Mapping[str, Any]) -> Job:
        _known(job, JOB_KEYS)
        needs = {n: self.workflow_run.jobs[n] for n in needed(job)}
        self.needs = {n: {"result": j.result, "outputs": j.outputs} for n, j in needs.items()}
        self.good = all(j.result == "success" for j in needs.values())
        self.permissions = job.get("permissions", self.workflow.get("permissions", {}))
        self.defaults = {**_shell(self.workflow), **_shell(job)}
        if not condition(job.get("if", "success()"), self.contexts()):
            self.job.result = "skipped"
            return self.job
        self.good = True
        for level in (self.workflow, job):
            self.env |= _texts(fill(level.get("env", {}), self.contexts()))
        for step in job["steps"]:
            self.job.steps.append(self.step(step))
        self.job.result = "success" if self.good else "failure"
        self.job.outputs = _texts(fill(job.get("outputs", {}), self.contexts()))
        summary = self.files["GITHUB_STEP_SUMMARY"]
        self.job.summary = summary.read_text() if summary.exists() else ""
        return self.job

    def step(self, step: Mapping[str, Any]) -> Step:
        """One step; a failure makes the job fail unless it may."""
        _known(step, STEP_KEYS)
        name = str(step.get("name") or step.get("uses", "").split("@")[0] or step.get("run"))
        if not condition(step.get("if", "success()"), self.contexts()):
            return self.done(step, Step(name, "skipped"), {})
        for file in self.files.values():
            file.touch()
        self.files["GITHUB_OUTPUT"].write_text("")
        contexts = self.contexts()
        env = {**self.env, **_texts(fill(step.get("env", {}), contexts))}
        if "uses" in step:
            code, message, outputs = self.uses(step, fill(step.get("with", {}), contexts), env)
        else:
            code, message = self.shell(step, contexts, env)
            outputs = _pairs(self.files["GITHUB_OUTPUT"].read_text())
        self.env |= _pairs(self.files["GITHUB_ENV"].read_text())
        return self.done(step, Step(name, "failure" if code else "success", message), outputs)

    def done(self, step: Mapping[str, Any], report: Step, outputs: Mapping[str, str]) -> Step:
        allowed = report.outcome == "failure" and step.get("continue-on-error") == "true"
        if report.outcome == "failure" and not allowed:
            self.good = False
        if "id" in step:
            conclusion = "success" if allowed else report.outcome
            result = {"outputs": dict(outputs), "outcome": report.outcome, "conclusion": conclusion}
            self.steps[step["id"]] = result
        return report

    def uses(
        self, step: Mapping[str, Any], given: dict[str, Any], env: dict[str, str]
    ) -> tuple[int, str, dict[str, str]]:
        action = str(step["uses"]).split("@")[0]
        if action not in uses.ACTIONS:
            raise Refused(f"action {action}: unknown to the rehearsal")
        try:
            result = uses.ACTIONS[action](self, given, self.variables(env))
        except uses.Failed as error:
            return 1, str(error), {}
        return 0, "", result or {}

    def shell(
        self, step: Mapping[str, Any], contexts: Mapping[str, Any], env: dict[str, str]
    ) -> tuple[int, str]:
        script = fill(step["run"], contexts)
        script = SUBSTITUTES.get(script.strip(), script)
        if script == LEND:
            bins = forks.path(self.hub.prefix)
            script = LEND_FORKS.format(bin=bins[0]) if bins else LEND.format(prefix=self.hub.prefix)
        shell = step.get("shell") or self.defaults.get("shell", "")
        if shell not in SHELLS:
            raise Refused(f"shell {shell}: unknown to the rehearsal")
        done = subprocess.run(
            [*SHELLS[shell], "-c", script],
            cwd=self.job.workspace / step.get("working-directory", "."),
            env=self.variables(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout.decode(errors="replace")

    def variables(self, env: Mapping[str, str]) -> dict[str, str]:
        """A step's environment: a runner's own variables, then the workflow's."""
        added = self.files["GITHUB_PATH"]
        paths = forks.path(self.hub.prefix)
        paths += added.read_text().split("\n")[::-1] if added.exists() else []
        paths += [str(self.hub.prefix / "bin"), *self.hub.path, os.defpath]
        github = {k: v for k, v in self.github().items() if isinstance(v, str) and k != "token"}
        return {
            **self.hub.variables(self.job.workspace),
            **{f"GITHUB_{key.upper()}": value for key, value in github.items()},
            **{key: str(file) for key, file in self.files.items()},
            "GITHUB_EVENT_PATH": str(self.workflow_run.folder / "event.json"),
            "PATH": os.pathsep.join(filter(None, paths)),
            **env,
        }

    def contexts(self) -> dict[str, Any]:
        status = {
            "success": self.good,
            "failure": not self.good,
            "cancelled": False,
            "always": True,
        }
        fork = self.hub.is_fork(self.workflow_run.event)
        return {
            "github": self.github(),
            "env": self.env,
            "vars": self.hub.vars,
            "secrets": {} if fork else {**self.hub.secrets, "GITHUB_TOKEN": self.token()},
            "steps": self.steps,
            "needs": getattr(self, "needs", {}),
            "inputs": self.workflow_run.event.get("inputs") or {},
            "runner": {"os": "Linux", "temp": str(self.workflow_run.folder)},
            "job": {"status": "success" if self.good else "failure"},
            "status": status,
        }

    def github(self) -> dict[str, Any]:
        return {
            "event": self.workflow_run.event,
            "event_name": self.workflow_run.event_name,
            "workflow": self.workflow["name"],
            "run_id": str(self.workflow_run.number),
            "run_number": str(self.workflow_run.number),
            "run_attempt": "1",
            "job": self.job.name,
            "repository": self.hub.api.repository,
            "repository_owner": self.hub.api.repository.split("/")[0],
            "server_url": self.hub.api.url,
            "api_url": f"{self.hub.api.url}/api/v3",
            "workspace": str(self.job.workspace),
            "actor": "someone",
            "token": self.token(),
            **self.given,
        }

    def token(self) -> str:
        """What may write only where the job's permissions say so, and never for a fork's own run."""
        request = self.permissions if isinstance(self.permissions, dict) else {}
        writes = "write" in request.values() and not self.hub.is_fork(self.workflow_run.event)
        return "secret" if writes and not self.hub.read_only else READ_ONLY


def _known(report: Mapping[str, Any], keys: set[str]) -> None:
    if set(report) - keys:
        raise Refused(f"{', '.join(sorted(set(report) - keys))}: unknown to the rehearsal")


def _shell(level: Mapping[str, Any]) -> dict[str, str]:
    return dict((level.get("defaults") or {}).get("run") or {})


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {k: "" if v is None else str(v) for k, v in values.items()}


def _pairs(text: str) -> dict[str, str]:
    """Lines `key=value`, and `key<<END ... END` for several lines."""
    result, lines = {}, iter(text.splitlines())
    for line in lines:
        key, several, end = line.partition("<<")
        if several and "=" not in key:
            result[key] = "\n".join(iter(lambda end=end: next(lines), end))
        elif "=" in line:
            key, _, result[line.partition("=")[0]] = line.partition("=")
    return result


def needed(job: Mapping[str, Any]) -> list[str]:
    """The jobs that must have ended before this one."""
    result = job.get("needs", [])
    return [result] if isinstance(result, str) else list(result)
