"""One document model, and HTML, Markdown, text and SVG made from it."""
