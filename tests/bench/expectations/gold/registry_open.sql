SELECT subject, min(sex) AS sex, max(age) AS age, max(diagnosis) AS diagnosis FROM registry GROUP BY subject
