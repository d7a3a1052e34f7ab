"""How ranks speak to each other: one interface (`base`), and what carries it (`threads`, `mpi`)."""
