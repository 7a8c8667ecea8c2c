"""What is measured of checksums."""
