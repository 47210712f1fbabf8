"""Where the project is hosted: pull requests, issues, comments and releases."""
