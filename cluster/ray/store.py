"""The object store of all machines together: how much is in it, and how much went to disk as there was no room."""

import ray

KIND = "object_store_memory"
ANSWER_SECONDS = 5.0


def scalars() -> dict[str, float]:
    """Bytes that are held now, a few tenths of a second late, and bytes that were spilled since the cluster began, where Ray says so."""
    used = ray.cluster_resources().get(KIND, 0.0) - ray.available_resources().get(KIND, 0.0)
    spilled = _spilled()
    return {"cluster/store_bytes": max(used, 0.0)} | ({} if spilled is None else {"cluster/spilled_bytes": spilled})


def _spilled() -> float | None:
    """What `ray memory --stats-only` prints. Ray does not promise the function, and asks a machine that may be gone by now."""
    try:
        from ray._private import internal_api
        from ray._private.state import state

        return float(internal_api.get_memory_info_reply(state, timeout_seconds=ANSWER_SECONDS).store_stats.spilled_bytes_total)
    except Exception:
        return None
