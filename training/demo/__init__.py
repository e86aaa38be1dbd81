"""The built-in demo data: `reviews.tsv`, written for attnzoo."""
