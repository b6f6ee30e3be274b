"""A class of students: releasing lessons to it, grading what it hands in, and reporting on it, with nbgrader."""
