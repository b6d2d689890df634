"""The asynchronous shells of jobs."""
