-- One row a person. A person's means are over usual walks (Ga 01 and 02, Ju 01), sums of exact decimals, and
-- thresholds are exact percentiles over all people of the query: no row order and no pseudonym can move
-- anybody to another quarter.
WITH usual AS (
  SELECT
    subject,
    avg(try_cast(stride_time_s AS DECIMAL(18, 9))) AS stride_time_s,
    avg(try_cast(stride_time_cv AS DECIMAL(18, 9))) AS stride_time_cv,
    avg(try_cast(swing_asymmetry AS DECIMAL(18, 9))) AS swing_asymmetry,
    avg(try_cast(speed_m_s AS DECIMAL(18, 9))) AS speed_m_s
  FROM gait_features
  WHERE walk = 1 OR (walk = 2 AND study = 'Ga')
  GROUP BY subject
),
people AS (
  SELECT
    gait_people.subject,
    gait_people.sex,
    gait_people.age,
    gait_people.`group`,
    gait_people.hoehn_yahr,
    usual.stride_time_s,
    usual.stride_time_cv,
    usual.swing_asymmetry,
    usual.speed_m_s
  FROM gait_people
  LEFT JOIN usual ON usual.subject = gait_people.subject
),
quarters AS (
  SELECT
    percentile(stride_time_s, array(0.25, 0.5, 0.75)) AS stride_time_s,
    percentile(stride_time_cv, array(0.25, 0.5, 0.75)) AS stride_time_cv,
    percentile(swing_asymmetry, array(0.25, 0.5, 0.75)) AS swing_asymmetry,
    percentile(speed_m_s, array(0.25, 0.5, 0.75)) AS speed_m_s
  FROM people
)
SELECT
  people.subject,
  people.sex,
  people.age,
  people.`group`,
  people.hoehn_yahr,
  if(people.stride_time_s IS NULL, NULL, 1 + size(filter(quarters.stride_time_s, mark -> people.stride_time_s > mark))) AS stride_time_s_quartile,
  if(people.stride_time_cv IS NULL, NULL, 1 + size(filter(quarters.stride_time_cv, mark -> people.stride_time_cv > mark))) AS stride_time_cv_quartile,
  if(people.swing_asymmetry IS NULL, NULL, 1 + size(filter(quarters.swing_asymmetry, mark -> people.swing_asymmetry > mark))) AS swing_asymmetry_quartile,
  if(people.speed_m_s IS NULL, NULL, 1 + size(filter(quarters.speed_m_s, mark -> people.speed_m_s > mark))) AS speed_m_s_quartile
FROM people
CROSS JOIN quarters
