"""A data set that a small model learns in seconds."""

import random

SUBJECTS = ("film", "book", "song", "meal", "hotel", "game")
GOOD = ("wonderful", "lovely", "superb", "brilliant", "great")
BAD = ("dreadful", "awful", "boring", "horrible", "poor")
FILLERS = ("", "really ", "truly ", "quite ", "so very much ")


def toy_reviews(rows=60, seed=0):
    """Pairs of text and label; one word decides, the others come with both labels alike."""
    generator = random.Random(seed)
    pairs = []
    for _ in range(rows // 2):
        filler, subject = generator.choice(FILLERS), generator.choice(SUBJECTS)
        for label, words in (("bad", BAD), ("good", GOOD)):
            pairs.append((f"a {filler}{generator.choice(words)} {subject}", label))
    return pairs


def write_rows(path, rows, header=("text", "label")):
    """Writes rows as TSV, and returns the path."""
    lines = [header, *rows] if header else rows
    path.write_text("".join("\t".join(line) + "\n" for line in lines), encoding="utf-8")
    return path


def write_toy_reviews(path, rows=60, seed=0):
    """Writes `toy_reviews` as TSV, and returns the path."""
    return write_rows(path, toy_reviews(rows, seed))
