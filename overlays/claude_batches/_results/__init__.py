"""Reading results: each line once, near the speed of the JSON parser. Imported on first use."""
