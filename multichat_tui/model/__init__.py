"""The nouns: frozen values, their encoding, limits, errors and ports. Imports nothing of the project and no input or output."""
