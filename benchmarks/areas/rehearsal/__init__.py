"""What is measured of rehearsals."""
