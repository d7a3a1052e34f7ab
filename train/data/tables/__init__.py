"""Tables as people have them: files of text or of columns, read into sheets of typed columns."""
