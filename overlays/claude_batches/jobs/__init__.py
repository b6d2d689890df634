"""Jobs: any number of requests, paid for once, joined with their results."""
