"""DROCC with outlier exposure: the Euclidean shell, and cross-entropy on the given negatives."""

from anomaly_benchmark.methods.one_class import OneClassNetwork


class DROCCOE(OneClassNetwork):
    """See the objective of this name in training.one_class."""

    objective = "drocc-oe"
