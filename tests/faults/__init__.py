"""Crashes, cut connections and full disks."""
