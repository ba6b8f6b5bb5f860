"""DROCC-LF: the given negatives, and adversarial points on the Mahalanobis shell (section 3.2)."""

from anomaly_benchmark.methods.one_class import OneClassNetwork


class DROCCLF(OneClassNetwork):
    """See the objective of this name in training.one_class."""

    objective = "drocc-lf"
