"""How a database that an earlier version of Corral made is brought up to date; see labelling.database."""
