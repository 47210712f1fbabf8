"""A use case's one issue: opened, updated, closed when it is healthy again. An edge: the host."""

from __future__ import annotations

from plumbline.monitor.sentences import TONES
from plumbline.ops.alerts import alert_blocks, sent_log
from plumbline.ops.alerts.sent_log import Sent, SentLog
from plumbline.ops.alerts.usecase_alerts import Step, UseCaseAlert, news
from plumbline.ops.hosting.github import GitHub
from plumbline.report import markdown
from plumbline.report.blocks import Text, Verdict

NAME = "github"


def kind(usecase: str) -> str:
    """The key by which the issue is looked up."""
    return f"alert {usecase}"


def update(hub: GitHub, alert: UseCaseAlert, sent: Sent | None, step: Step, log: SentLog) -> str:
    """Bring the issue up to date with the alert; what was done, empty where there was nothing to do.

    `log` is hidden in the issue, for a machine without one. What is new since `sent` becomes a comment:
    the host notifies nobody of an edited text.
    """
    if alert.silent:
        return ""
    if alert.healthy:
        text = markdown.comment([Text(alert_blocks.STEPS["resolved"]), *alert_blocks.facts(alert)])
        closed = hub.close_issue(kind(alert.name), text)
        return f"issue #{closed['number']} closed" if closed else ""
    if not alert.findings:
        return ""
    before = hub.issue(kind(alert.name))
    title = markdown.title(alert_blocks.short(alert))
    number = hub.report_issue(kind(alert.name), title, body(alert, log))["number"]
    new = news(alert, sent.findings) if sent and step == "more" else ()
    if before and new:
        hub.create_comment(number, markdown.comment([alert_blocks.findings(new)]))
    return f"issue #{number} {'updated' if before else 'opened'}"


def body(alert: UseCaseAlert, log: SentLog) -> str:
    """The issue's text; what was sent to which channel is hidden at its beginning."""
    blocks = [
        Verdict(alert_blocks.short(alert), TONES[alert.level]),
        *alert_blocks.about(alert, "new"),
        *alert_blocks.unreachable(log.failures),
    ]
    return f"{sent_log.mark(log, alert.name)}\n{markdown.comment(blocks)}"


def recall(hub: GitHub, usecase: str) -> SentLog:
    """What the open issue says was sent; empty where none is open."""
    issue = hub.issue(kind(usecase))
    return sent_log.unmark(issue["body"] or "") if issue else SentLog()


def trial(hub: GitHub) -> str:
    """Open an issue and close it again; what was done."""
    message = alert_blocks.trial()
    hub.report_issue(kind("test"), message.title, markdown.comment(message.blocks))
    closed = hub.close_issue(kind("test"), "The test passed.")
    return f"issue #{closed['number']} opened and closed" if closed else "no issue was found"
