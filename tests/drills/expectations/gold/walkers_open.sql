SELECT subject, age, condition FROM walkers
