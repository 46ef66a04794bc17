"""The command line: thin commands over the packages below; `--json` prints one document on stdout, nothing else."""
