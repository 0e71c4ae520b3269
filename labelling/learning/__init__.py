"""What learns from labels: tuners, classifiers, and how well the classes part."""
