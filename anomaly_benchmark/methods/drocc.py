"""DROCC: the normals alone, and adversarial points on the Euclidean shell (Algorithm 1)."""

from anomaly_benchmark.methods.one_class import OneClassNetwork


class DROCC(OneClassNetwork):
    """See the objective of this name in training.one_class."""

    objective = "drocc"
