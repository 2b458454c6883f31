"""The platform's short ids."""

import random
import string

ALPHABET = string.ascii_letters + string.digits
LENGTH = 8


def new_hash_id(generator: random.Random) -> str:
    """Return eight letters and digits; upper and lower case differ."""
    return "".join(generator.choices(ALPHABET, k=LENGTH))
