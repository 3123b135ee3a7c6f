"""Makes HTML of our templates; Jinja2 is imported when the first browser comes.

An idle node without visitors never pays for it. Everything that a template is given is escaped; the only
markup that is not is our own style sheet, and the Content-Security-Policy names its hash, so that a browser
takes no other style, no script, no picture and no form.
"""

import asyncio
import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"
"""A node is never run out of a zip file."""


class Renderer:
    """Renders pages of one node."""

    def __init__(self, domain: str) -> None:
        self._domain = domain
        self._environment: Environment | None = None
        self._policy = ""
        self._style = ""

    async def page(
        self, name: str, values: Mapping[str, object], *, status: int = 200, cached: str = "no-store"
    ) -> web.Response:
        """Render a template.

        Args:
            name: Of the template, without its ending.
            values: What it shows; escaped.
            status: Of the answer.
            cached: Value of Cache-Control.
        """
        if self._environment is None:
            # Importing takes tens of milliseconds: not on the event loop. Twice at once does no harm.
            self._environment = await asyncio.to_thread(self._load)
        text = self._environment.get_template(f"{name}.html").render(
            values, domain=self._domain, style=self._style
        )
        headers = {
            "Content-Security-Policy": self._policy,
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": cached,
        }
        return web.Response(text=text, status=status, content_type="text/html", headers=headers)

    def _load(self) -> "Environment":
        from jinja2 import Environment, FunctionLoader, StrictUndefined

        style = _read("style.css")
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self._style = style
        return Environment(
            loader=FunctionLoader(_read),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )


def _read(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
