"""Diabetes: progression in a year, from scikit-learn's bundled table. No time, no entities, 442 rows.

It stands for any plain table: copied to usecases/, with a params section, it runs the same graph.
"""
