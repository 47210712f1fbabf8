"""The version of the library, which each bundle names; pyproject.toml takes it from here."""

VERSION = "0.2.0"
