-- One row a person and condition; a person without any counts in the population of the band.
SELECT DISTINCT
  patients.subject,
  patients.age,
  conditions.display AS condition
FROM patients
LEFT JOIN conditions ON conditions.subject = patients.subject
