"""Databases under measurement: throwaway servers filled with the sample application's records."""
