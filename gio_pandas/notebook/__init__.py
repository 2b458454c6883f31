"""What is seen in Jupyter: pickers, magics, progress, and the forms that things are shown in."""
