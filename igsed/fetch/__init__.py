"""Downloads: where files come from, how they are fetched, verified and unpacked."""
