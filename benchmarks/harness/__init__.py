"""How benchmarks are found, run and reported; what is measured lies in `benchmarks/areas/`."""
