"""What things mean: values and rules, standard library only, no input or output."""
