"""The built-in demo data, written for attnzoo: `reviews.tsv` and `tagged_*.conll`."""
