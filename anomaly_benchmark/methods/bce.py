"""Binary cross-entropy on the normals and the given negatives."""

from anomaly_benchmark.methods.one_class import OneClassNetwork


class BCE(OneClassNetwork):
    """See the objective of this name in training.one_class."""

    objective = "bce"
