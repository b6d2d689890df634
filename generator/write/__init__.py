"""Stage 6: format the files, then replace the package on disk or compare it."""
