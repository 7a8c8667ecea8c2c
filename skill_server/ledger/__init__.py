"""History, receipts and plans: one chain of events, kept alike in both databases."""
