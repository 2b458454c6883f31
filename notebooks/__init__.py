"""Notebooks to read and to run; ``python -m notebooks.execute`` writes them anew."""
