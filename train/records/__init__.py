"""The runs in a folder, read from the files that `pullback train` and `pullback tune` left there."""
