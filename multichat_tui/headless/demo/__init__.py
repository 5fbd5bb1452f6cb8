"""`multichat demo`: several nodes on this machine, separate processes with temporary homes; one is yours, or a transcript."""
