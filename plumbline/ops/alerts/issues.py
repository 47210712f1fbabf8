"""A use case's one issue: opened, updated, closed when it is well. An edge: the host."""

from __future__ import annotations

from plumbline.core.safe_text import one_line
from plumbline.ops.alerts import messages, sent_log
from plumbline.ops.alerts.sent_log import Memory, Said
from plumbline.ops.alerts.usecase_alerts import Case, Step, news
from plumbline.ops.hosting.github import GitHub
from plumbline.report import markdown
from plumbline.report.blocks import Text, Verdict

NAME = "github"


def kind(usecase: str) -> str:
    """By which the issue is found again."""
    return f"alert {usecase}"


def update(hub: GitHub, one: Case, said: Said | None, step: Step, known: Memory) -> str:
    """Bring the issue to what the case is; what was done, empty where nothing was to do.

    `known` goes hidden into the issue, for a machine that has no memory. What is new since `said` is
    a comment: the host tells nobody of an edited text.
    """
    if one.silent:
        return ""
    if one.well:
        text = markdown.comment([Text("OK again."), *messages.facts(one)])
        closed = hub.close_issue(kind(one.name), text)
        return f"issue #{closed['number']} closed" if closed else ""
    if not one.told:
        return ""
    there = hub.issue(kind(one.name))
    made = hub.report_issue(kind(one.name), one_line(messages.short(one), 200), body(one, known))
    fresh = news(one, said.told) if said and step == "more" else ()
    if there and fresh:
        hub.create_comment(made["number"], markdown.comment([messages.findings(fresh)]))
    return f"issue #{made['number']} {'updated' if there else 'opened'}"


def body(one: Case, known: Memory) -> str:
    """The issue's text, what was told to whom hidden at its beginning."""
    blocks = [
        Verdict(messages.short(one), messages.TONES[one.level]),
        *messages.about(one, "new"),
        *messages.lost(known.failures),
    ]
    return f"{sent_log.mark(known, one.name)}\n{markdown.comment(blocks)}"


def recall(hub: GitHub, usecase: str) -> Memory:
    """What the open issue says was told; empty where none is open."""
    there = hub.issue(kind(usecase))
    return sent_log.unmark(there["body"] or "") if there else Memory()


def trial(hub: GitHub) -> str:
    """Open an issue and close it again; what was done."""
    tried = messages.trial()
    hub.report_issue(kind("test"), tried.title, markdown.comment(tried.blocks))
    closed = hub.close_issue(kind("test"), "It works.")
    return f"issue #{closed['number']} opened and closed" if closed else "no issue to be seen"
