"""Stage 5: print the plan as files, through templates/."""
