"""What tries to break ThemisDB and is too long, or too random, for every test run."""
