"""Keys and what is done with them. Composes PyNaCl and vodozemac, the only room to import them. Pure, but for Argon2id's cost."""
