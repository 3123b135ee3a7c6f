// A follower of the fediverse, made with Fedify: its default checks, its own view of what arrived.
// node bot.mjs NAME CERT KEY LISTEN MAP   (MAP: JSON of name -> "host:port", the test's network map)
import { createServer } from "node:https";
import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import { Agent, setGlobalDispatcher } from "undici";
import { createFederation, generateCryptoKeyPair, MemoryKvStore } from "@fedify/fedify";
import * as ap from "@fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";

const [name, cert, key, listen, map] = process.argv.slice(2);
const places = JSON.parse(map), ca = readFileSync(process.env.NODE_EXTRA_CA_CERTS);
setGlobalDispatcher(new Agent({ connect: ({ hostname, servername }, done) => {
  const [host, port] = (places[hostname] ?? "127.0.0.1:1").split(":");
  const socket = connect({ host, port, servername: servername || hostname, ca, ALPNProtocols: ["http/1.1"] });
  socket.once("secureConnect", () => done(null, socket)).once("error", (error) => done(error, null));
} }));

const view = { followers: [], following: [], received: [], posts: [], moved: [] };
const pairs = [await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"), await generateCryptoKeyPair("Ed25519")];
const federation = createFederation({ kv: new MemoryKvStore(), origin: `https://${name}`, allowPrivateAddress: true });
federation.setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
  const keys = await ctx.getActorKeyPairs(identifier), id = ctx.getActorUri(identifier);
  return new ap.Person({ id, preferredUsername: identifier, name: identifier, inbox: ctx.getInboxUri(identifier),
    followers: ctx.getFollowersUri(identifier), endpoints: new ap.Endpoints({ sharedInbox: ctx.getInboxUri() }),
    publicKey: keys[0].cryptographicKey, assertionMethods: keys.map((pair) => pair.multikey) });
}).setKeyPairsDispatcher(() => pairs);
federation.setFollowersDispatcher("/users/{identifier}/followers", () =>
  ({ items: view.followers.map((id) => ({ id: new URL(id), inboxId: null })) }));
federation.setInboxListeners("/users/{identifier}/inbox", "/inbox")
  .setSharedKeyDispatcher(() => ({ identifier: "fred" }))
  .on(ap.Follow, async (ctx, follow) => {
    const who = await follow.getActor(ctx);
    view.followers.push(who.id.href);
    await ctx.sendActivity({ identifier: "fred" }, who,
      new ap.Accept({ id: new URL(`#accepts/${crypto.randomUUID()}`, ctx.getActorUri("fred")),
        actor: ctx.getActorUri("fred"), object: follow }));
  })
  .on(ap.Accept, (_, accept) => { view.following.push(accept.actorId.href); })
  .on(ap.Undo, (_, undo) => { view.followers = view.followers.filter((id) => id !== undo.actorId.href); })
  .on(ap.Create, async (ctx, create) => { view.posts.push(String((await create.getObject(ctx)).content)); })
  .on(ap.Move, (_, move) => { view.moved.push([move.actorId.href, move.targetId.href]); })
  .on(ap.Activity, (_, activity) => { view.received.push(activity.constructor.name); });

const orders = {
  async follow(ctx, who) {
    const actor = await ctx.lookupObject(who);
    await ctx.sendActivity({ identifier: "fred" }, actor, new ap.Follow({
      id: new URL(`#follows/${crypto.randomUUID()}`, ctx.getActorUri("fred")),
      actor: ctx.getActorUri("fred"), object: actor.id }));
  },
  async post(ctx, text) {
    const id = new URL(`/notes/${crypto.randomUUID()}`, ctx.getActorUri("fred")), to = ctx.getFollowersUri("fred");
    const note = new ap.Note({ id, attribution: ctx.getActorUri("fred"), content: text, to, published: Temporal.Now.instant() });
    for (const follower of view.followers) await ctx.sendActivity({ identifier: "fred" }, await ctx.lookupObject(follower),
      new ap.Create({ id: new URL("#create", id), actor: ctx.getActorUri("fred"), to, object: note }));
  },
  async like(ctx, post) {
    const note = await ctx.lookupObject(post, { documentLoader: await ctx.getDocumentLoader({ identifier: "fred" }) });
    await ctx.sendActivity({ identifier: "fred" }, await note.getAttribution(ctx), new ap.Like({
      id: new URL(`#likes/${crypto.randomUUID()}`, ctx.getActorUri("fred")), actor: ctx.getActorUri("fred"), object: note.id }));
  },
};
createServer({ cert: readFileSync(cert), key: readFileSync(key) }, async (incoming, outgoing) => {
  const url = new URL(incoming.url, `https://${name}`), body = [];
  for await (const chunk of incoming) body.push(chunk);
  if (url.pathname.startsWith("/bot/")) {
    const order = orders[url.pathname.slice(5)], ctx = federation.createContext(new URL(`https://${name}`));
    const error = order ? await order(ctx, url.searchParams.get("of")).then(() => null, (error) => String(error.stack)) : null;
    return outgoing.end(JSON.stringify({ ...view, error }));
  }
  const answer = await federation.fetch(new Request(url, { method: incoming.method, headers: incoming.headers,
    ...(body.length ? { body: Buffer.concat(body) } : {}) }), {});
  outgoing.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
}).listen(Number(listen.split(":")[1]), listen.split(":")[0], () => console.log("ready"));
