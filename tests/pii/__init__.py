"""How well personal data is found, on labelled texts: `make pii-report`."""
