#!/usr/bin/env bash
# A throw-away Ray cluster on this machine, with ports, a folder and a token of its own: nothing else on the machine is touched.
#   ./launch/local_cluster.sh start [--num-cpus N] [--num-gpus N] ...   options of `ray start` are passed on
#   ./launch/local_cluster.sh stop                                      ends what `start` started, and only that
#   ./launch/local_cluster.sh status
# It lives in $FULCRUM_CLUSTER, by default /tmp/fulcrum-cluster-UID (short, as Ray puts sockets below it).
# To use it from a shell:  source /tmp/fulcrum-cluster-UID/env.sh   (launch/ray_job.sh does so by itself)
set -euo pipefail
cd "$(dirname "$0")/.."

folder="${FULCRUM_CLUSTER:-/tmp/fulcrum-cluster-$(id -u)}"

members() {  # ids of the processes that carry this cluster's mark in their environment
    [ -f "$folder/mark" ] || return 0
    grep -lzx "FULCRUM_CLUSTER_MARK=$(cat "$folder/mark")" /proc/[0-9]*/environ 2> /dev/null | cut -d/ -f3 || true
}

start() {
    if [ -n "$(members)" ]; then fail "a cluster runs in $folder already; stop it first: ./launch/local_cluster.sh stop"; fi
    mkdir -p "$folder" || fail "$folder cannot be made; set FULCRUM_CLUSTER to a folder that can"
    chmod 700 "$folder"
    local mark ports
    mark=$("$python" -c 'import secrets; print(secrets.token_hex(8))')
    echo "$mark" > "$folder/mark"
    (umask 077; "$python" -c 'import secrets; print(secrets.token_hex(32))' > "$folder/token")
    # All ports are asked for at the same time, so that they differ.
    ports=($("$python" -c 'import socket
s = [socket.socket() for _ in range(7)]
[x.bind(("127.0.0.1", 0)) for x in s]
print(*(x.getsockname()[1] for x in s))'))
    {
        echo "export RAY_ADDRESS=http://127.0.0.1:${ports[1]}   # of jobs; cluster.address=127.0.0.1:${ports[0]}"
        echo "export RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH=$folder/token"
    } > "$folder/env.sh"
    local bin; bin="$(cd "$(dirname "$python")" && pwd)"
    RAY_AUTH_MODE=token RAY_AUTH_TOKEN_PATH="$folder/token" RAY_TMPDIR="$folder" FULCRUM_CLUSTER_MARK="$mark" PATH="$bin:$PATH" \
        setsid "$bin/ray" start --head --block --disable-usage-stats --node-ip-address 127.0.0.1 --temp-dir "$folder/ray" \
        --port "${ports[0]}" --include-dashboard true --dashboard-port "${ports[1]}" --ray-client-server-port "${ports[2]}" \
        --dashboard-agent-listen-port "${ports[3]}" --dashboard-agent-grpc-port "${ports[4]}" \
        --metrics-export-port "${ports[5]}" --runtime-env-agent-port "${ports[6]}" "$@" > "$folder/log" 2>&1 < /dev/null &
    echo $! > "$folder/pid"
    for _ in $(seq 120); do
        kill -0 "$(cat "$folder/pid")" 2> /dev/null || { tail -n 20 "$folder/log" >&2; stop > /dev/null; fail "Ray ended at once; what it said stands above"; }
        if "$python" -c "import socket; socket.create_connection(('127.0.0.1', ${ports[1]}), 1)" 2> /dev/null && grep -q "Ray runtime started" "$folder/log"; then
            echo "a cluster runs: cluster.address=127.0.0.1:${ports[0]}  dashboard http://127.0.0.1:${ports[1]}"
            echo "  use it from this shell   source $folder/env.sh"
            echo "  run a job on it          ./launch/ray_job.sh configs/cluster/laptop.yaml"
            echo "  end it                   ./launch/local_cluster.sh stop"
            return
        fi
        sleep 0.5
    done
    stop > /dev/null
    fail "Ray did not come up in a minute: see $folder/log"
}

stop() {
    local left
    left=$(members)
    if [ -z "$left" ]; then echo "no cluster runs in $folder"; return; fi
    kill -TERM "$(cat "$folder/pid")" 2> /dev/null || true
    for _ in $(seq 20); do
        left=$(members)
        [ -z "$left" ] && break
        sleep 0.5
    done
    for id in $left; do kill -KILL "$id" 2> /dev/null || true; done
    rm -f "$folder/pid" "$folder/mark" "$folder/token" "$folder/env.sh"
    echo "the cluster in $folder is ended"
}

case "${1:-}" in
    start) source launch/setup.sh cluster; shift; start "$@" ;;
    stop) stop ;;
    status) if [ -n "$(members)" ]; then echo "a cluster runs in $folder"; cat "$folder/env.sh"; else echo "no cluster runs in $folder"; exit 1; fi ;;
    *) sed -n 2,7p "$0"; exit 2 ;;
esac
