"""The desktop application and the command line of Reticle."""
