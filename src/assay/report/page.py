"""The report: one self-contained page that needs no network and no script to be read."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from assay.model.evaluation import Evaluation, Knowledge
from assay.report import text
from assay.report.charts import charts
from assay.report.embed import embed
from assay.report.overview import overview
from assay.report.summary import summarise
from assay.report.tables import components, executables, findings, intake, method, secrets, system
from assay.report.tables.contract import ROWS_KEPT, Section
from assay.report.tables.secrets import ReusedKey

EVIDENCE_WRITTEN = 3
"""Places of one finding that can be read without script."""


def render_html(
    evaluation: Evaluation, reused_keys: tuple[ReusedKey, ...] = (), generated: str = ""
) -> str:
    """The report of an evaluation.

    Args:
        evaluation: what to report.
        reused_keys: private keys that other evaluations in the workspace have too.
        generated: the time to print, in ISO 8601.

    Returns:
        A page without any reference to another file. The same arguments give the same page.
    """
    summary = summarise(evaluation)
    sections = (
        findings.section(evaluation),
        components.section(evaluation),
        executables.section(evaluation),
        secrets.section(evaluation, reused_keys),
        system.section(evaluation),
        intake.section(evaluation),
        method.gaps(evaluation),
    )
    method_tables = (method.measures(evaluation), method.parts(evaluation))
    tables = [table for section in sections for table in section.tables]
    style, script = _asset("report.css"), _asset("report.js")
    page = _environment().get_template("report.html.j2")
    return page.render(
        subject=evaluation.subject,
        tool=evaluation.tool,
        knowledge_said=_knowledge(evaluation.knowledge),
        generated=text.moment(generated),
        overview=overview(evaluation, reused_keys),
        summary=summary,
        charts=charts(evaluation, summary.calls),
        sections=sections,
        method_tables=method_tables,
        data=Markup(embed([*tables, *method_tables])),  # noqa: S704 (embed escapes what ends a script)
        style=style,
        script=script,
        policy=_policy(style, script),
        links=_links(sections),
    )


def _knowledge(knowledge: Knowledge) -> str:
    if knowledge.version == knowledge.as_of:
        return f"of {knowledge.as_of}"
    return f"{knowledge.version} as of {knowledge.as_of}"


def _links(sections: tuple[Section, ...]) -> tuple[tuple[str, str], ...]:
    own = tuple((one.id, _SHORT.get(one.id, one.title)) for one in sections)
    return (("summary", "Summary"), *own, ("method", "Method"))


_SHORT = {
    "secrets-section": "Secrets",
    "system-section": "Services",
    "intake-section": "Not understood",
    "gaps-section": "Not measured",
}


def _policy(style: str, script: str) -> str:
    """A Content Security Policy that lets nothing in but the page's own style and script."""
    return (
        f"default-src 'none'; style-src '{_fingerprint(style)}'; "
        f"script-src '{_fingerprint(script)}'; base-uri 'none'; form-action 'none'"
    )


def _fingerprint(content: str) -> str:
    return "sha256-" + b64encode(sha256(content.encode()).digest()).decode()


@cache
def _asset(name: str) -> Markup:
    """A file of this package that is markup or trusted as such."""
    content = resources.files(__package__).joinpath("assets", name).read_text("utf-8")
    return Markup(content)  # noqa: S704 (ours, not the image's)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=text.number, percent=text.percent, size=text.size, plural=text.plural
    )
    environment.globals.update(rows_kept=ROWS_KEPT, evidence_written=EVIDENCE_WRITTEN)
    return environment


def _finalize(value: Any) -> Any:
    """What a template prints: no text out of an image acts on its surroundings."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return text.visible(value)
    return value
