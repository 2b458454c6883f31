"""``python -m gio_pandas.cli``: the command, where it is not on the PATH."""

from gio_pandas.cli import main

if __name__ == "__main__":
    main(prog_name="gio-pandas")
