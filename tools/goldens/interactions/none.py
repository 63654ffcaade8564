"""No interaction: the block reads the features as they stand."""


def width(case):
    """Columns that the block reads besides the features."""
    return 0


def layers(case, owner):
    return []


def interact(net, batch, owner, x, tasks):
    """(a value [B, W] or None, a logit [B, 1] by task)"""
    return None, {}
