"""Who needs what and when: records on the wire, what each side holds, requests, retransmission. Pure."""
