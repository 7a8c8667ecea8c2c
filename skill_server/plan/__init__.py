"""From changes and schemas to an ordered, content-addressed plan; pure, so the same input gives the same plan."""
