"""`python -m monocoque`."""

from monocoque.cli import main

if __name__ == "__main__":
    main()
