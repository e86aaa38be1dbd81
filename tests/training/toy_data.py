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


PEOPLE = ("Anna", "Ben", "Clara Maria", "Dov")
PLACES = ("Paris", "Rome", "New York", "Oslo")


def write_toy_sentences(path, rows=60, seed=0):
    """Writes sentences whose names are tagged as entities, one word a line."""
    generator = random.Random(seed)
    lines = []
    for _ in range(rows):
        for kind, text in (
            ("person", generator.choice(PEOPLE)),
            (None, generator.choice(("met", "saw", "slept near"))),
            ("place", generator.choice(PLACES)),
            (None, generator.choice(("again", "in May", "."))),
        ):
            for index, word in enumerate(text.split()):
                label = "O" if kind is None else f"{'I' if index else 'B'}-{kind}"
                lines.append(f"{word}\t{label}\n")
        lines.append("\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path
