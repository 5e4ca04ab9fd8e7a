"""What all tests share: two CPU devices (so that sharing out is tested) and compiled programs kept between runs."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"

from launch import cli

cli.cache_compilations()
