# ruff: noqa: SLF001  (simcord has no public way to change its page; the version is pinned)
"""The demo's page: simcord's, with this bot's name, icon and words, and closer to Discord.

Relative times read as there, new messages come into view, and a command may be typed together with its option.
"""

import re
from pathlib import Path
from typing import Any, ClassVar

from aiohttp import web
from simcord.backend.cdn import CDN_BASE
from simcord.preview import Preview, _markdown
from simcord.preview._server import PreviewServer

from bot.demo.icon import encode_icon

TITLE = "MiniMax Account Bot: demo"
_STATIC = Path(__file__).with_name("static")
# By path: what simcord's file says, and what the page says instead. Another version of simcord may say something else.
_STYLE = '<link rel="stylesheet" href="/preview.css">'
_OURS = '<link rel="stylesheet" href="/demo.css"><script type="module" src="/demo.js"></script>'
_NODE = 'import { node } from "./dom.js";'
_multiline_quotes = _markdown._discord_multiline_quotes
_QUOTE_END = re.compile(r"^> .*\n(?!>)", re.MULTILINE)
_DATE = "if (valid) time.dateTime = date.toISOString();"
_PRESENTATION = 'import { createPresentation } from "./presentation.js";'
_RUN = "run: (body, files, metadata) => {"
_RAN = "uploads: files });\n  },"
_CATALOG = 'import { createCommandCatalog } from "./command-catalog.js";'
_MATCH = "matches = matchCommands(catalog?.entries || [], query);"
_COMPLETED = '} else if (option.autocomplete) {\n            const current = String(field.value || "");'
_SHOWN = 'String(value?.raw ?? "");'
_TYPED = """\
const typed = splitCommand(catalog?.entries || [], query);
    if (typed) { select(typed.entry); fillOption(typed.rest); return; }
    """
CHANGES = {
    "/": (
        ("<title>SimCord Preview</title>", f'<title>{TITLE}</title><link rel="icon" href="/icon.png">'),
        (_STYLE, _STYLE + _OURS),
        (
            "<strong>SimCord</strong><small>Preview</small>",
            "<strong>MiniMax Account Bot</strong><small>Demo in a simulated Discord</small>",
        ),
        ("Refresh preview</button>", "Refresh</button>"),
        ("End preview session</button>", "End the demo</button>"),
    ),
    # What has worked is seen in the channel.
    "/actions.js": (
        ('if (pending) return pendingLabels[pending.kind] || "Completing action…";', 'if (pending) return "";'),
        ('return labels[kind || ""] || "Action completed";', 'return "";'),
        ('"Preview ready"', '""'),
        ('"Preview session ended."', '"The demo has ended."'),
    ),
    "/app.js": (
        (_PRESENTATION, f'{_PRESENTATION} import {{ runWhenFree }} from "./demo.js";'),
        (_RUN, "run: (body, files, metadata) => runWhenFree(actions, () => {"),
        (_RAN, "uploads: files });\n  }),"),
        ('"Preview session closed."', '"The demo has ended."'),
    ),
    "/commands.js": (
        (_CATALOG, f'{_CATALOG} import {{ fillOption, splitCommand }} from "./demo.js";'),
        (_MATCH, _TYPED + _MATCH),
        # A choice keeps its name, and needs no more choices.
        (
            _COMPLETED,
            _COMPLETED.replace("autocomplete)", "autocomplete && !currentDraft().values[option.name]?.label)"),
        ),
        (_SHOWN, 'String(value?.label ?? value?.raw ?? "");'),
    ),
    "/diagnostics.js": (
        (
            "This page has no preview capability.",
            "Open the whole address that the demo prints, with what follows the #.",
        ),
        (
            "The authorized page could not be opened.",
            "This demo has ended. Start it again, and open the address that it prints.",
        ),
    ),
    "/text.js": (
        (_NODE, f'{_NODE} import {{ relative }} from "./demo.js";'),
        (
            'new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(amount), unit)',
            "relative(date, options.presentationTime)",
        ),
        (_DATE, f"{_DATE} time.dataset.style = style;"),
    ),
}


class _Server(PreviewServer):
    """Serves simcord's page with the changes, and the demo's own files."""

    _STATIC_FILES: ClassVar[dict[str, str]] = {
        **PreviewServer._STATIC_FILES,
        "/demo.js": "demo.js",
        "/demo.css": "demo.css",
        "/icon.png": "icon.png",
    }

    async def _static(self, request: web.Request) -> web.Response:
        if request.headers.get("Host", "") not in self._allowed_hosts():
            raise web.HTTPForbidden
        if request.path == "/icon.png":
            return web.Response(body=encode_icon(), content_type="image/png", headers=self._SECURITY_HEADERS)
        if request.path in ("/demo.js", "/demo.css"):
            kind = "application/javascript" if request.path.endswith(".js") else "text/css"
            text = (_STATIC / request.path[1:]).read_text(encoding="utf-8")
            return web.Response(text=text, content_type=kind, headers=self._SECURITY_HEADERS)
        response: web.Response = await super()._static(request)
        for theirs, ours in CHANGES.get(request.path, ()):
            response.text = (response.text or "").replace(theirs, ours)
        return response


def dress(preview: Preview, port: int) -> Preview:
    """Let a page that is not open yet look like this bot's demo, and have its time."""
    preview._server = _Server(preview, port)
    publish = preview._publish

    def publish_now(*args: Any, **options: Any) -> None:
        # simcord sends the page the time when it was built, until somebody refreshes it.
        preview._advance_presentation_time()
        publish(*args, **options)

    preview.__dict__["_publish"] = publish_now
    # In an embed's text and fields, Discord shows channels, roles and commands by name, and lines after "-#" small;
    # simcord's page does so only outside embeds.
    for part in ("embed_description", "embed_field_value"):
        _markdown._FIELD_POLICIES[part] |= {"mentions": True, "commands": True, "subtext": True}
    _markdown._discord_multiline_quotes = _end_quotes
    return preview


def _end_quotes(text: str) -> str:
    """Return a text in which a line after a quotation is none of it: in Discord, each quoted line begins with ">"."""
    return _QUOTE_END.sub(r"\g<0>\n", _multiline_quotes(text))


def avatar_url(user_id: int, name: str) -> str:
    """Return where simcord's page looks for a user's avatar of this name."""
    return f"{CDN_BASE}/avatars/{user_id}/{name}.png"
