"""Planning, capturing, acting, stopping and recording; no Qt and no torch."""
