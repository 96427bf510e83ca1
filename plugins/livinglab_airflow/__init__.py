"""LivingLab inside Airflow: tasks (one verb each), assets, and the pages of the compliance team."""
