-- One row a person who has a walk; people are counted and means added when the rows are finished.
SELECT
  gait_people.subject,
  gait_people.`group`,
  gait_people.sex,
  gait_people.age_band,
  count(*) AS walks
FROM gait_people
JOIN gait_features ON gait_features.subject = gait_people.subject
GROUP BY gait_people.subject, gait_people.`group`, gait_people.sex, gait_people.age_band
