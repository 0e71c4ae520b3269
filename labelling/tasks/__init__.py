"""What is done with projects, from the pages or the command line: nothing here knows of either."""
