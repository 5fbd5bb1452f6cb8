"""Keys and what is done with them. Composes PyNaCl and vodozemac; the only room that imports them. Pure but for Argon2id's cost."""
