"""The same ground on every backend, so that one case can be played on each."""
