"""Makes the spoken digits of the demo: `python -m attnzoo.training.demo.make_digits FOLDER`.

The voices are synthetic: a voice's harmonics, and noise for its breath, are shaped by formants that
move from sound to sound (Klatt, 1980, "Software for a cascade/parallel formant synthesizer"). The
same recordings come out each time.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE = 16000
# Frames of this many samples have one spectrum; they overlap by half.
_FRAME = 256
_BANDWIDTHS = np.array([80.0, 110.0, 160.0])


@dataclass(frozen=True)
class Sound:
    """A part of a word.

    Args:
        seconds: How long it is.
        begin: Its three formants at the beginning, in Hz.
        end: The same at its end. Defaults to None (they stay).
        voice: Loudness of the harmonics. Defaults to 1.0.
        breath: Loudness of the noise. Defaults to 0.0.
        noise: Centre and width of the noise, in Hz. Defaults to (4000, 2000).
    """

    seconds: float
    begin: tuple[float, float, float]
    end: tuple[float, float, float] | None = None
    voice: float = 1.0
    breath: float = 0.0
    noise: tuple[float, float] = (4000.0, 2000.0)


_NEUTRAL = (500.0, 1500.0, 2500.0)
SOUNDS = {
    "AH": Sound(0.11, (640, 1190, 2390)),
    "AO": Sound(0.15, (590, 880, 2540)),
    "AY": Sound(0.22, (710, 1100, 2450), (350, 2100, 2700)),
    "EH": Sound(0.11, (550, 1770, 2490)),
    "EY": Sound(0.19, (480, 1900, 2500), (320, 2200, 2800)),
    "IH": Sound(0.09, (400, 1920, 2550)),
    "IY": Sound(0.16, (280, 2250, 2900)),
    "OW": Sound(0.18, (520, 950, 2400), (350, 800, 2300)),
    "UW": Sound(0.18, (310, 870, 2250)),
    "F": Sound(0.11, _NEUTRAL, voice=0.0, breath=0.12, noise=(5500, 4000)),
    "K": Sound(0.05, _NEUTRAL, voice=0.0, breath=0.35, noise=(1800, 600)),
    "N": Sound(0.09, (270, 1350, 2500), voice=0.35),
    "R": Sound(0.09, (340, 1100, 1550), voice=0.8),
    "S": Sound(0.13, _NEUTRAL, voice=0.0, breath=0.35, noise=(6000, 1500)),
    "T": Sound(0.04, _NEUTRAL, voice=0.0, breath=0.4, noise=(4000, 1500)),
    "TH": Sound(0.10, _NEUTRAL, voice=0.0, breath=0.08, noise=(6500, 3500)),
    "V": Sound(0.07, (280, 1100, 2300), voice=0.4, breath=0.05, noise=(5500, 4000)),
    "W": Sound(0.08, (300, 650, 2200), voice=0.7),
    "Z": Sound(0.11, (280, 1500, 2500), voice=0.3, breath=0.2, noise=(6000, 1500)),
    "-": Sound(0.05, _NEUTRAL, voice=0.0),  # The lips or the tongue are shut.
}
DIGITS = {
    "zero": "Z IY R OW",
    "one": "W AH N",
    "two": "- T UW",
    "three": "TH R IY",
    "four": "F AO R",
    "five": "F AY V",
    "six": "S IH - K S",
    "seven": "S EH V AH N",
    "eight": "EY - T",
    "nine": "N AY N",
}


@dataclass(frozen=True)
class Voice:
    """Who speaks.

    Args:
        pitch: Fundamental frequency, in Hz.
        formants: Factor on all formants: above 1 for a short head.
        seconds: Factor on all durations.
        hiss: Loudness of the microphone's noise, for each of its own.
    """

    pitch: float
    formants: float
    seconds: float
    hiss: float


def speak(words, voice, generator):
    """Returns the samples of digits that a voice says, float `(samples,)`."""
    sounds = [SOUNDS["-"]]
    for word in words.split():
        sounds += [SOUNDS[name] for name in DIGITS[word].split()] + [SOUNDS["-"]] * 2
    lengths = [s.seconds * voice.seconds * generator.uniform(0.85, 1.15) for s in sounds]
    frames = [max(2, round(2 * RATE * length / _FRAME)) for length in lengths]
    tracks = np.concatenate(
        [_track(sound, count) for sound, count in zip(sounds, frames, strict=True)]
    )
    tracks = _smoothed(tracks)
    tracks[:, :3] *= voice.formants
    samples = _harmonics(tracks, voice, generator) + _breath(tracks, generator)
    samples = 0.05 * samples / np.abs(samples).max()
    return samples + voice.hiss * generator.normal(size=len(samples))


def _track(sound, count):
    """Returns `(frames, 7)`: three formants, voice, breath, centre and width of the noise."""
    share = np.linspace(0, 1, count)[:, None]
    begin, end = np.array(sound.begin), np.array(sound.end or sound.begin)
    levels = np.broadcast_to([sound.voice, sound.breath, *sound.noise], (count, 4))
    return np.concatenate([begin + share * (end - begin), levels], axis=1)


def _smoothed(tracks):
    """Lets sounds glide into each other, over five frames."""
    padded = np.pad(tracks, ((2, 2), (0, 0)), mode="edge")
    return np.mean([padded[i : i + len(tracks)] for i in range(5)], axis=0)


def _per_sample(track):
    """Returns a track of frames as one of samples."""
    places = np.arange(len(track) * _FRAME // 2) / (_FRAME // 2)
    return np.interp(places, np.arange(len(track)), track)


def _response(frequency, formants):
    """Returns how loud formants make a frequency; both broadcast, formants along the last axis."""
    distance = (frequency[..., None] ** 2 - formants**2) / (formants * _BANDWIDTHS)
    resonance = 1 / np.sqrt(1 + (distance / (1 + frequency[..., None] / formants)) ** 2)
    return (resonance * np.array([1.0, 0.6, 0.3])).sum(axis=-1)


def _harmonics(tracks, voice, generator):
    frames = len(tracks)
    pitch = voice.pitch * (1.1 - 0.2 * np.linspace(0, 1, frames))
    pitch *= 1 + 0.02 * np.sin(np.linspace(0, generator.uniform(5, 15), frames))
    phase = 2 * np.pi * np.cumsum(_per_sample(pitch)) / RATE
    samples = np.zeros(len(phase))
    for number in range(1, int(RATE / 2.2 / pitch.max())):
        loudness = tracks[:, 3] * _response(number * pitch, tracks[:, :3]) / number**0.6
        samples += _per_sample(loudness) * np.sin(number * phase)
    return samples


def _breath(tracks, generator):
    """Returns noise whose spectrum is, frame by frame, a bump around its centre."""
    half = _FRAME // 2
    frequency = np.fft.rfftfreq(_FRAME, 1 / RATE)
    window = np.sin(np.pi * (np.arange(_FRAME) + 0.5) / _FRAME)
    noise = generator.normal(size=(len(tracks) + 1) * half)
    samples = np.zeros(len(noise))
    for index, (*_, level, centre, width) in enumerate(tracks):
        here = slice(index * half, index * half + _FRAME)
        bump = np.exp(-0.5 * ((frequency - centre) / width) ** 2)
        spectrum = np.fft.rfft(window * noise[here]) * bump
        samples[here] += level * window * np.fft.irfft(spectrum)
    return samples[: len(tracks) * half]


def _voices(count, generator):
    """Returns voices, deep and high ones in turn."""
    voices = []
    for index in range(count):
        high = index % 2
        voices.append(
            Voice(
                pitch=generator.uniform(170, 260) if high else generator.uniform(85, 150),
                formants=generator.uniform(1.05, 1.2) if high else generator.uniform(0.9, 1.05),
                seconds=generator.uniform(0.85, 1.25),
                hiss=generator.uniform(0.00005, 0.0002),
            )
        )
    return voices


def make(folder, split, voices, sentences, seed):
    """Writes `digits_{split}.flac` and `.csv`, all recordings one after the other."""
    import soundfile

    generator = np.random.default_rng(seed)
    digits, rows, clips, position = list(DIGITS), [], [], 0
    for number, voice in enumerate(_voices(voices, generator)):
        # Every digit comes equally often, in sentences of one, two and three of them.
        order = np.concatenate([generator.permutation(10) for _ in range(2 * sentences // 10 + 1)])
        for sentence in range(sentences):
            count = 1 + sentence % 3
            text = " ".join(digits[i] for i in order[:count])
            order = order[count:]
            clip = speak(text, voice, generator)
            rows.append((position, position + len(clip), f"{split} voice {number}", text))
            clips.append(clip)
            position += len(clip)
    samples = np.clip(np.concatenate(clips) * 32768, -32768, 32767).round().astype("int16")
    soundfile.write(folder / f"digits_{split}.flac", samples, RATE, subtype="PCM_16")
    with open(folder / f"digits_{split}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("start", "end", "voice", "text"))
        writer.writerows(rows)


if __name__ == "__main__":
    chosen = Path(sys.argv[1])
    make(chosen, "train", voices=11, sentences=13, seed=0)
    make(chosen, "test", voices=3, sentences=10, seed=1)
