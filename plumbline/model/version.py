"""The version of the library; pyproject.toml takes it from here."""

VERSION = "0.2.0"
