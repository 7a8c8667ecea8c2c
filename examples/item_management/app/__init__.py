"""Item management: a small application that can keep its data in PostgreSQL or in MongoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def create_app() -> Flask:
    """Return the web application; the models and repositories work without Flask installed."""
    from flask import Flask

    from .api import create_blueprint

    application = Flask(__name__)
    application.register_blueprint(create_blueprint())
    return application
