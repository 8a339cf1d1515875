//! Verdicts on objects, images, migrations and Dockerfiles. Pure.
