"""The environment in the shapes that other libraries expect: `gymnax` for users of `jax.vmap`, `gymnasium` for the rest."""
