"""The server's log: one JSON object a line on standard error, without secrets."""

import logging
import re
import sys

LONGEST_LINE = 20_000
# The user part of a URL, and what follows a word that announces a secret.
_SECRETS = (
    (re.compile(r"(?<=://)[^\s/@'\"]*:[^\s/'\"]*(?=@)"), "***"),
    (
        re.compile(r"(?i)\b(password|passwd|pwd|secret|token|api_?key)(['\"]?\s*[=:]\s*['\"]?)[^\s'\",;&)]+"),
        r"\1\2***",
    ),
)


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        # Imported here because most servers start and end without a line, and structlog takes as long as all tools.
        import structlog

        event = structlog.processors.TimeStamper(fmt="iso")(
            None,
            record.levelname.lower(),
            {"event": record.getMessage(), "level": record.levelname.lower(), "logger": record.name},
        )
        if record.exc_info:
            event["exc_info"] = record.exc_info
            event = structlog.processors.format_exc_info(None, "", event)
        words = {key: masked(str(value))[:LONGEST_LINE] for key, value in event.items()}
        return str(structlog.processors.JSONRenderer(ensure_ascii=False)(None, "", words))


def masked(text: str) -> str:
    """Return text without the passwords of URLs and without what is called a secret."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def begin(level: str = "warning") -> None:
    """Send every record of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
