"""What the shells complete, and which shells: words that the parser and what is made from it share."""

CHANNELS, PEOPLE, FILES = "channels", "people", "files"
"""What the word of an argument can be completed to."""
NAMED = (CHANNELS, PEOPLE)
"""What `multichat complete-names` knows."""
SHELLS = ("bash", "zsh", "fish")
