"""The role of keeping envelopes for others: who may, how much, for how long; what is answered to whom. Pure: knows no links."""
