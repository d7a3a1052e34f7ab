"""What builds the site: extensions of Sphinx, read by docs/conf.py."""
