"""A client of other software finds somebody's key package, and tries to begin a conversation with it."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from yurt.activitypub.actors import parse_actor
from yurt.activitypub.mls_objects import MlsKind, MlsObject, mls_object_document, parse_key_packages
from yurt.activitypub.references import Json, object_of
from yurt.activitypub.vocabulary import ACTIVITY_TYPE, AS_CONTEXT, JRD_TYPE, MLS_CONTEXT
from yurt.client.conversations.calls import ListTried, TriedViews
from yurt.lab.migration import stock_documents
from yurt.lab.migration.hosts import Hosts, LabClock, Post, Signer
from yurt.lab.world.people import Person, until
from yurt.lab.world.world import HARBOUR, World
from yurt.mls.capabilities import Capabilities
from yurt.mls.cipher_suite import cipher_suite
from yurt.mls.credential import Credential
from yurt.mls.framing import MLSMessage
from yurt.mls.group import Group
from yurt.mls.group_store import MemoryGroupStore
from yurt.mls.key_package import KeyPackage
from yurt.mls.key_package_bundle import OwnLeaf

SOCIAL = "social.example"
EVE = f"https://{SOCIAL}/users/eve"


@dataclass(slots=True)
class Eve:
    """Somebody whose software speaks the SWICG's MLS over ActivityPub, and nothing of Yurt."""

    post: Post
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    inbox: list[Json] = field(default_factory=list[Json])
    sent: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Show who she is, and take what comes."""
        if request.method == "POST":
            self.inbox.append(object_of(await request.json()) or {})
            return web.Response(status=202)
        if request.path == "/.well-known/webfinger":
            return web.json_response(stock_documents.webfinger(f"eve@{SOCIAL}", EVE), content_type=JRD_TYPE)
        document = stock_documents.actor(SOCIAL, "eve", (), self.key.public_key(), is_locked=False)
        return web.json_response(document, content_type=ACTIVITY_TYPE)

    async def find(self, actor: str) -> KeyPackage:
        """Fetch an actor, their collection, and the key package in it, as the draft says."""
        person = parse_actor(await self.get(actor), actor)
        [place] = parse_key_packages(await self.get(person.key_packages), actor)
        document = await self.get(place)
        assert document["attributedTo"] == actor
        assert document["mediaType"] == "message/mls"
        package = MLSMessage.decode(base64.b64decode(str(document["content"]))).expect(KeyPackage)
        suite = cipher_suite(package.cipher_suite)
        assert document["ciphersuite"] == suite.name
        package.verify_signature(suite)
        return package

    async def get(self, url: str) -> Json:
        """Fetch a document that is there."""
        found = await self.post.get(url)
        assert found is not None, url
        return found

    async def welcome(self, actor: str, package: KeyPackage) -> str:
        """Begin a group with somebody, and send them the Welcome; give the activity's id."""
        suite = cipher_suite(package.cipher_suite)
        able = Capabilities(cipher_suites=(suite.value,), extensions=(), credentials=(1, 2))
        leaf = OwnLeaf(Credential.basic(EVE.encode()), able, (), suite.generate_signature_key())
        group = Group.create(MemoryGroupStore(), suite, b"a conversation", leaf)
        staged = group.stage_commit(adds=[package])
        assert staged.welcome is not None
        self.sent += 1
        message = MlsObject(f"{EVE}/mls/{self.sent}", MlsKind.WELCOME, EVE, (actor,), staged.welcome)
        create: Json = {
            "@context": [AS_CONTEXT, MLS_CONTEXT],
            "id": f"{message.id}#create",
            "type": "Create",
            "actor": EVE,
            "to": [actor],
            "object": mls_object_document(message),
        }
        assert await self.post.send(Signer(f"{EVE}#main-key", self.key), f"{actor}/inbox", create)
        return f"{message.id}#create"


async def test_a_welcome_of_other_software_is_politely_refused(tmp_path: Path) -> None:
    """Eve finds Ana's key package and sends a Welcome: she gets a Reject, and Ana hears of her, once."""
    async with World.open(tmp_path, HARBOUR, others=(SOCIAL,)) as world:
        ana = await world.person("ana", HARBOUR)
        post, hosts = Post(world.network, LabClock()), Hosts(world.network)
        eve, actor = Eve(post), f"https://{HARBOUR}/users/ana"
        post.open()
        await hosts.open()
        try:
            await hosts.listen(SOCIAL, eve)

            async def shown() -> bool:
                return "keyPackages" in await eve.get(actor)

            await until(shown, "ana shows a key package")
            package = await eve.find(actor)
            sent = [await eve.welcome(actor, package), await eve.welcome(actor, package)]

            async def refused() -> bool:
                return len(eve.inbox) == len(sent)

            await until(refused, "eve gets an answer to each")
            tried = await until(lambda: heard(ana), "ana hears of it")

            assert {(one["type"], one["actor"], one["object"]) for one in eve.inbox} == {
                ("Reject", actor, about) for about in sent
            }
            assert all("not possible yet" in str(one["summary"]) for one in eve.inbox)
            assert tried == [f"eve@{SOCIAL}"]
            assert await heard(ana) == []
            assert await ana.engine.rooms() == []
        finally:
            await hosts.close()
            await post.close()


async def heard(person: Person) -> list[str]:
    """Of whom somebody is told now."""
    return [one.address for one in (await person.engine.call(ListTried(), TriedViews)).tried]
