"""From frames to a clip: the maximum over frames plus their mean, as PANNs pool (arXiv:1912.10211)."""


def pooled(frames, maximum=lambda frames: frames.amax(1)):
    """What a clip's logits are computed from.

    Parameters
    ----------
    frames : torch.Tensor (batch, frame, channel)
        A body's output.
    maximum : callable
        Gives the maximum over frames, (batch, channel); other than torch's where its gradient shall be another one.

    Returns
    -------
    torch.Tensor (batch, channel)
    """
    return maximum(frames) + frames.mean(1)
