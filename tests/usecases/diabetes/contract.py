"""The columns of diabetes."""

from __future__ import annotations

from plumbline.core.declarations import Column
from plumbline.core.usecase import Contract

SERUM = ("s1", "s2", "s3", "s4", "s5", "s6")

CONTRACT = Contract(
    name="diabetes",
    title="Progression of diabetes",
    owner="clinic@example.com",
    problem="regression",
    key="patient",
    label="progression",
    columns=(
        Column("patient", "int", "-", "number of the patient", min=0),
        Column("age", "float", "years", "age", min=0, max=120),
        Column("sex", "int", "-", "as coded in the table", allowed=(1, 2)),
        Column("bmi", "float", "kg/m2", "body mass index", min=10, max=80),
        Column("bp", "float", "mmHg", "mean blood pressure", min=30, max=200),
        *(Column(s, "float", "-", f"serum measurement {s}", min=0) for s in SERUM),
        Column("progression", "float", "-", "a year later", min=0, max=500, known=False),
    ),
)
