"""Diabetes: progression in a year, from scikit-learn's bundled table. No time, no entities, 442 rows.

It stands for any plain table: copied to usecases/, with a params section, it runs the same graph.
"""

from __future__ import annotations

from plumbline.core.usecase import Array, Behaviour, Column, Columns, Row, Slice, UseCase

SERUM = ("s1", "s2", "s3", "s4", "s5", "s6")


def bmi_times_bp(bmi: Array, bp: Array) -> Array:
    """Product of body mass index and blood pressure, kg/m2 times mmHg."""
    return bmi * bp


def heavier(event: Columns) -> Columns:
    """The same patient with a body mass index five higher."""
    return {"bmi": event["bmi"] + 5.0}


def renumbered(event: Columns) -> Columns:
    """The same patient under another number."""
    return {"patient": event["patient"] + 1}


USECASE = UseCase(
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
    rows=(Row(bmi_times_bp),),
    features=("age", "sex", "bmi", "bp", *SERUM, "bmi_times_bp"),
    naive="bmi",
    slices=(Slice("sex", "sex", "as coded"), Slice("age", "age", "years", edges=(50,))),
    behaviours=(
        Behaviour("patient_number", "a number means nothing", renumbered, "same"),
        Behaviour(
            "heavier", "a higher index is not a better outlook", heavier, "not_lower", share=0.5
        ),
    ),
)
