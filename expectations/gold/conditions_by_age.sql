-- One row a person and condition; a person without any counts in the population of the band.
SELECT DISTINCT
  patients.subject,
  patients.age,
  coalesce(conditions.display, conditions.code) AS condition
FROM patients
LEFT JOIN conditions ON conditions.subject = patients.subject
