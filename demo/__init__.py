"""The demonstration: a recording of words of people the model never heard, replayed through the detector."""
