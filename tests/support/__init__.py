"""What tests share: real servers, and a fresh database for every test."""
