"""``python -m anomaly_benchmark``."""

from anomaly_benchmark.cli import main

if __name__ == "__main__":
    main()
