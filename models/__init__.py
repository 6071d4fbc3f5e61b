"""What is known: contracts, the churn model, evaluation, explanation and the model bundle."""

import os

# LightGBM's threads sleep while they wait for each other. By default they spin, and where anything
# else runs, a service or a second worker, learning took 2 to 5 times as long (decision 0004). Read
# once, as its library is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
