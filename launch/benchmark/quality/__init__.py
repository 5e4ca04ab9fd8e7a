"""How right the engine moves bodies: scenes, simulated with several engines and measured with the same formulas."""
