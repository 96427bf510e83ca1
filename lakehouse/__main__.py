"""`python -m lakehouse` is `livinglab`."""

from lakehouse.cli.main import main

if __name__ == "__main__":
    main()
