"""What the platform costs, measured as whole processes against named baselines.

    python -m benchmarks            # the full sizes; rewrites docs/benchmarks.md
    python -m benchmarks --quick    # small sizes, to see that everything runs; only prints

This process stays small and imports nothing of the platform: a child's peak memory, as the kernel
counts it, begins with that of the process that started it.
"""
