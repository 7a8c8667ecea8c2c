"""The benchmarks: one folder an area, one file a benchmark."""
