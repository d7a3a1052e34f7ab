"""The functions of `pb.xp`, in files named after the sections of the array API standard."""
