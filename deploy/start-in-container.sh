#!/bin/sh
# Makes the node of $YURT_DOMAIN at the first start, then runs it. The name is for ever: a node that stands
# is never made anew, whatever the variable says later.
set -eu
if [ ! -e "$YURT_NODE_DATA/node.toml" ]; then
    yurt node init "${YURT_DOMAIN:?set YURT_DOMAIN to the name of your node}" --data "$YURT_NODE_DATA" \
        --listen unix:/run/yurt/node.sock --plain
    printf 'forwarded = true\nlog = "json"\n' >> "$YURT_NODE_DATA/node.toml"
fi
exec yurt node run --data "$YURT_NODE_DATA"
