"""CSV files for DuckDB: every column as text, in the header's order, and strict about the rest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from plumbline.core.sql import literal, literal_path, quote
from plumbline.core.usecase import Contract
from plumbline.data import csv_text, headers
from plumbline.data.csv_text import CsvFile


@dataclass(frozen=True)
class CsvStyle:
    """How the files are written."""

    delimiter: str
    encoding: str


@dataclass(frozen=True)
class CsvSource:
    """A CSV file that DuckDB can read: `read` is the file itself, or a copy of its values."""

    file: CsvFile
    read: Path
    columns: list[str]

    @property
    def relation(self) -> str:
        """What to select from."""
        if self.read != self.file.path:
            names = ", ".join(quote(c) for c in self.columns)
            return f"read_parquet([{literal_path(self.read.absolute())}]) AS text({names})"
        columns = ", ".join(f"{literal(c)}: 'VARCHAR'" for c in self.columns)
        return (
            f"read_csv([{literal_path(self.read.absolute())}], auto_detect=false, hive_partitioning=false, header=true, "
            f"delim={literal(self.file.delimiter)}, quote='\"', escape='\"', encoding='utf-8', columns={{{columns}}})"
        )

    def places(self, wanted: list[int]) -> list[str]:
        """The lines of the file at which these rows begin."""
        lines = dict.fromkeys(wanted, "")
        for number, (line, _) in enumerate(csv_text.rows(self.file)):
            if number in lines:
                lines[number] = f"line {line:,}"
            if number >= max(wanted):
                break
        return list(lines.values())


def prepare(
    path: Path, name: str, style: CsvStyle, copy: Path, usecase: Contract | None
) -> CsvSource:
    """SourceError where the text, the header or a line is odd. `name` is for messages; `copy`: where a
    copy may be written."""
    file = csv_text.open_file(path, name, style.delimiter, style.encoding)
    columns = headers.usable(name, header(file), usecase)
    return CsvSource(file, csv_text.prepare(file, copy), columns)


def header(file: CsvFile) -> list[str]:
    """The columns that the first line names."""
    first, columns = csv_text.header(file)
    headers.check_first_line(file.name, first, file.delimiter)
    headers.check(file.name, columns)
    headers.check_delimiter(file.name, columns, file.delimiter)
    return columns


def explain(source: CsvSource) -> None:
    """SourceError for the first row that is not as it should be; nothing where all are."""
    for _ in csv_text.rows(source.file):
        pass
