"""Every row of the benchmark, by scene: the figures that the design promises, and some that explain them."""

from typing import Final

from yurt.lab.bench.figures import Row

PROCESS: Final = (
    Row("cold-start", "a node: start to first answer", "s", 0.8),
    Row("cold-start-cpu", "the same, CPU until then", "s"),
    Row("idle-memory", "a node on which nobody lives: resident memory", "MB", 60),
    Row("help", "`yurt --help`", "ms", 150),
    Row("help-cpu", "the same, CPU", "ms"),
)
LOAD: Final = (
    Row("fan-out-50", "fan-out to 50 members", "deliveries/s", 150_000, at_least=True),
    Row("fan-out-50-cpu", "the same, CPU of each delivery", "µs", 4),
    Row("fan-out-500", "fan-out to 500 members", "deliveries/s", 200_000, at_least=True),
    Row("fan-out-500-cpu", "the same, CPU of each delivery", "µs", 4),
    Row("latency-p50", "20 messages/s to 50 members: send to read, p50", "ms", 2),
    Row("latency-p99", "the same, p99", "ms", 5),
    Row("durable", "one room: durable messages accepted", "/s", 10_000, at_least=True),
    Row("durable-cpu", "the same, CPU of each message", "µs"),
    Row("history", "history: messages served", "/s", 100_000, at_least=True),
    Row("history-cpu", "the same, CPU of each message", "µs"),
    Row("disk", "disk on the node, of a message beyond its entry", "B", 200),
)
ROOMS: Final = (
    Row("rooms", "100 rooms of 15, all busy", "deliveries/s", 80_000, at_least=True),
    Row("rooms-cpu", "the same, CPU of each delivery", "µs"),
)
IDLE: Final = (
    Row("streams", "idle streams that are open at once", "", 10_000, at_least=True),
    Row("stream-memory", "memory of one of them", "KiB", 18),
    Row("streams-cpu", "CPU while all of them are idle", "%"),
)
FLAT: Final = (
    Row("flat", "growth of memory over the last three quarters of 10 minutes of load", "MB", 3),
    Row("flat-rate", "the load of that", "messages/s to 50 members"),
)
TERMINAL: Final = (
    Row("first-paint", "terminal, 10,000 messages: CPU to first paint", "s", 0.6),
    Row("key-echo", "the same, key echo p95", "ms", 30),
    Row("terminal-memory", "the same, resident memory", "MB", 80),
)
INBOX: Final = (
    Row("inbox-rsa", "signed POSTs verified and durable, RSA", "/s", 2_500, at_least=True),
    Row("inbox-rsa-cpu", "the same, CPU of each", "µs"),
    Row("inbox-ed25519", "the same with Ed25519 and RFC 9421", "/s", 2_500, at_least=True),
    Row("inbox-ed25519-cpu", "the same, CPU of each", "µs"),
    Row("overload", "1,500 POSTs at once: the slowest 503", "s", 1),
    Row("overload-told", "the 503 that say when to come again", "%", 100, at_least=True),
)
OUTBOX: Final = (
    Row("follows", "Follows taken in, each with its key fetched", "/s"),
    Row("post", "one post to 1,000 followers on 100 hosts", "s", 2),
    Row("post-cpu", "the same, CPU of the node", "ms"),
    Row("post-first", "20 dead hosts and 5 tar pits beside, met for the first time: longer by", "%", 10),
    Row("post-again", "the same, when they are known", "%", 10),
)
DELIVERIES: Final = (
    Row("deliveries", "deliveries, a hundred hosts at a time", "/s"),
    Row("delivery-cpu", "the same, CPU of each", "µs"),
    Row("delivery-memory", "growth of memory over the last three quarters of 100,000", "MB", 2),
)
OVER: Final = (
    Row("over-p50", "20 messages/s from the hub to 50 people of another node: p50", "ms", 8),
    Row("over-p99", "the same, p99", "ms", 20),
    Row("over-rate", "messages from node to node, both on one core", "/s", 1_500, at_least=True),
    Row("over-cpu", "the same, CPU of both nodes for each", "µs"),
    Row("over-disk", "disk on the hub, of a message beyond its entry", "B", 200),
)
AWAY: Final = (
    Row("catch-up", "a client catches up, decrypted and stored, 50 participants", "/s", 1_000, at_least=True),
    Row("hub-back", "the hub is back: 100 messages that waited are read after", "s", 30),
)
JOINS: Final = (
    Row("adds", "a member comes back and lets a hundred in: until they are", "s", 3),
    Row("joins", "500 people join one room by its link: CPU of the node", "s", 2),
)
CARRYING: Final = (
    Row("kit", "a kit renewed, 2,000 ties", "ms", 100),
    Row("archive-out", "an archive of 1,000 ties and 20,000 messages: out", "s", 10),
    Row("archive-in", "the same, in", "s", 20),
    Row("import", "10,000 follows over 100 hosts: until all are accepted, peers included", "s", 180),
    Row("import-rate", "the same", "/s"),
)
RESCUE: Final = (
    Row("rescue-yurt", "an old node dead, with a kit: ties on Yurt nodes", "%", 100, at_least=True),
    Row("rescue-honouring", "the same, on peers that honour a Move", "%", 100, at_least=True),
    Row("rescue", "the whole of that", "s"),
)

SCENES: Final = {
    "process": PROCESS,
    "load": LOAD,
    "rooms-100": ROOMS,
    "idle": IDLE,
    "flat-memory": FLAT,
    "terminal": TERMINAL,
    "two-nodes": OVER,
    "away": AWAY,
    "joins-500": JOINS,
    "inbox": INBOX,
    "outbox": OUTBOX,
    "deliveries-100k": DELIVERIES,
    "carrying": CARRYING,
    "rescuing": RESCUE,
}
ROWS: Final = tuple(row for rows in SCENES.values() for row in rows)
