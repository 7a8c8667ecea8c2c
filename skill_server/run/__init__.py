"""Carry a plan out on both databases, so that both end changed or both end as they were."""
