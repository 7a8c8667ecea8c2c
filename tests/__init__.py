"""The tests; `docs/tested.md` says which servers they have run on."""
