SELECT subject, sex, age, diagnosis FROM registry
