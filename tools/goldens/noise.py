"""The counted random numbers of the engine: functions of (seed, purpose, thing, step, counter), in no sequence."""

import numpy as np

NEGATIVES = 3  # purposes, as in rng.rs
NOISE = 4
SEED = 1024  # `train.seed`, by default
WORD = (1 << 64) - 1
NEAR = [
    2.8102264e-8, 3.4327394e-7, -3.5233877e-6, -4.3915065e-6, 0.00021858087, -0.001253725, -0.0041776816, 0.24664073,
    1.5014094,
]  # fmt: skip
FAR = [
    -0.00020021426, 0.00010095056, 0.0013493432, -0.0036734284, 0.0057395077, -0.0076224613, 0.0094388705, 1.001674,
    2.8329768,
]  # fmt: skip


def mix(z):
    """The finaliser of SplitMix64."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def thing(name):
    """FNV-1a of a name."""
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & WORD
    return value


def key(purpose, thing, step):
    start = mix((SEED + 0x9E3779B97F4A7C15) & WORD) ^ mix((purpose << 56) ^ thing)
    return mix((start + mix(step ^ 0x5851F42D4C957F2D)) & WORD)


def bits(purpose, thing, step, counter):
    return mix((key(purpose, thing, step) + counter * 0x9E3779B97F4A7C15) & WORD)


def fused(a, b, c):
    """a·b + c of single-precision numbers, rounded once: the product is exact in double precision."""
    return np.float32(np.float64(a) * np.float64(b) + np.float64(c))


def ln(x):
    bits = int(np.float32(x).view(np.uint32))
    e = ((bits - 0x3F3504F3) & 0xFFFFFFFF ^ 0x80000000) - 0x80000000 >> 23
    m = np.uint32((bits - (e << 23)) & 0xFFFFFFFF).view(np.float32)
    one, two = np.float32(1), np.float32(2)
    s = np.float32(m - one) / np.float32(m + one)
    z = s * s
    p = fused(z, np.float32(2 / 9), np.float32(2 / 7))
    for c in (np.float32(2 / 5), np.float32(2 / 3), two):
        p = fused(z, p, c)
    return fused(np.float32(e), np.float32(np.log(2)), np.float32(s * p))


def normal(key, counter):
    """A number from N(0, 1) by Giles's single-precision approximation of the inverse error function."""
    drawn = mix((key + counter * 0x9E3779B97F4A7C15) & WORD)
    one = np.float32(1)
    x = np.float32(np.float32(np.float32(drawn >> 40) + np.float32(0.5)) * np.float32(1 / 8388608)) - one
    w = -ln(np.float32(one - x) * np.float32(one + x))
    near = w < 5
    w = np.float32(w - np.float32(2.5)) if near else np.float32(np.sqrt(w) - np.float32(3))
    p = np.float32(0)
    for c in NEAR if near else FAR:
        p = fused(p, w, np.float32(c))
    return np.float32(np.float32(np.sqrt(2)) * p) * x


def noise(name, step, rows, columns):
    """The noise of a value of this name, `[rows, columns]`."""
    stream = key(NOISE, thing(name), step)
    return np.array([[float(normal(stream, r * columns + c)) for c in range(columns)] for r in range(rows)])


def open_uniform(thing, step, counter):
    """The middle of one of 2^23 equal parts of (0, 1)."""
    return ((bits(NOISE, thing, step, counter) >> 41) + 0.5) / (1 << 23)
