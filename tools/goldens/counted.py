"""The engine's counted randomness, in Python: what a random number is for decides it, nothing is drawn in sequence."""

MASK = (1 << 64) - 1
NEGATIVES = 3  # the purpose "ids drawn as negative examples"
NOISE = 4  # the purpose "noise of gates"


def mix(z):
    """The finaliser of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def bits(seed, purpose, thing, step, counter):
    key = mix((seed + 0x9E3779B97F4A7C15) & MASK) ^ mix((purpose << 56) ^ thing)
    key = mix((key + mix(step ^ 0x5851F42D4C957F2D)) & MASK)
    return mix((key + counter * 0x9E3779B97F4A7C15) & MASK)


def open_uniform(seed, purpose, thing, step, counter):
    """The middle of one of 2^23 equal parts of (0, 1)."""
    return ((bits(seed, purpose, thing, step, counter) >> 41) + 0.5) / (1 << 23)
