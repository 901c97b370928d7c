"""REST for who and what there is: the application, people, guilds, and the gateway's address."""

from dataclasses import dataclass

from tests.wire.discord_gateway import Gateway, application_flags
from tests.wire.discord_log import Exchange
from tests.wire.discord_messages import MISSING_ACCESS, UNKNOWN_GUILD, UNKNOWN_USER, unknown
from tests.wire.discord_payloads import (
    application_payload,
    channel_payload,
    guild_payload,
    member_payload,
    user_payload,
)
from tests.wire.discord_server import Server
from tests.wire.discord_world import Guild, Json, User, World


@dataclass(eq=False)
class Directory:
    """Answers that only tell."""

    world: World
    owner: User
    gateway: Gateway
    shards: int

    def routes(self, server: Server) -> None:
        server.add("GET /gateway", self.get_gateway)
        server.add("GET /gateway/bot", self.get_bot_gateway)
        server.add("GET /users/@me", self.get_me)
        server.add("GET /users/@me/guilds", self.get_my_guilds)
        server.add("GET /users/{user_id}", self.get_user)
        server.add("GET /applications/@me", self.get_application)
        server.add("GET /oauth2/applications/@me", self.get_application)
        server.add("GET /guilds/{guild_id}", self.get_guild)
        server.add("GET /guilds/{guild_id}/channels", self.get_channels)
        server.add("GET /guilds/{guild_id}/members/{user_id}", self.get_member)

    def get_gateway(self, exchange: Exchange) -> Json:
        return {"url": self.gateway.address}

    def get_bot_gateway(self, exchange: Exchange) -> Json:
        limit = {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self.gateway.address, "shards": self.shards, "session_start_limit": limit}

    def get_me(self, exchange: Exchange) -> Json:
        return user_payload(self.world.bot) | {"verified": True, "mfa_enabled": True, "email": None}

    def get_my_guilds(self, exchange: Exchange) -> list[Json]:
        joined = [guild for guild in self.world.guilds.values() if self.world.bot.id in guild.members]
        return [{"id": str(guild.id), "name": guild.name, "features": [], "owner": False} for guild in joined]

    def get_user(self, exchange: Exchange) -> Json:
        user = self.world.users.get(int(exchange.parameters["user_id"]))
        if user is None:
            raise UNKNOWN_USER
        return user_payload(user)

    def get_application(self, exchange: Exchange) -> Json:
        return application_payload(self.world, self.owner, application_flags(self.gateway.granted))

    def get_guild(self, exchange: Exchange) -> Json:
        return guild_payload(self.world, self._guild(exchange))

    def get_channels(self, exchange: Exchange) -> list[Json]:
        channels = self._guild(exchange).channels.values()
        return [channel_payload(channel) for channel in channels if not channel.kind.is_thread]

    def get_member(self, exchange: Exchange) -> Json:
        guild = self._guild(exchange)
        user = guild.users.get(int(exchange.parameters["user_id"]))
        if user is None:
            raise unknown("Member", 10007)
        return member_payload(guild, user)

    def _guild(self, exchange: Exchange) -> Guild:
        guild = self.world.guilds.get(int(exchange.parameters["guild_id"]))
        if guild is None:
            raise UNKNOWN_GUILD
        if self.world.bot.id not in guild.members:
            raise MISSING_ACCESS
        return guild
