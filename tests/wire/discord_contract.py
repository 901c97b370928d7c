"""Every request body against Discord's own published description of its HTTP API, where that file is at hand.

The description takes ids as strings only; discord.py sends some as integers and Discord takes them, so ids
may be either here. Media channels are among Discord's channel types (Discord: Channel Types), and are
missing in it.
"""

import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.wire.discord_world import Json

DESCRIPTION = Path(__file__).parents[3] / "shared" / "discord-openapi.json"
"""Beside the repository, not in it (MIT, 1.2 MB)."""

_URI = "urn:discord-openapi"
MEDIA = 16


class Contract:
    """Validators for request bodies, compiled when first needed."""

    def __init__(self, description: Json) -> None:
        schemas = description["components"]["schemas"]
        schemas["SnowflakeType"]["type"] = ["string", "integer"]
        schemas["ChannelTypes"]["oneOf"].append({"title": "GUILD_MEDIA", "const": MEDIA})
        self._paths: Json = description["paths"]
        # The routes' parameter names differ from the stand-in's here and there; their shapes do not.
        self._path_of = {_shape(path): path for path in self._paths}
        self._registry: Registry[Any] = Registry().with_resource(
            _URI, Resource.from_contents(description, default_specification=DRAFT202012)
        )
        self._validators: dict[str, Draft202012Validator | None] = {}

    def faults(self, method: str, path: str, body: Any) -> list[str]:
        """What is wrong with a body sent to a path of the stand-in (template form); empty when nothing is.

        A path the description does not know is a fault; a route that takes no body has nothing to check.
        """
        key = f"{method} {path}"
        if key not in self._validators:
            template = self._path_of.get(_shape(path))
            if template is None or method.lower() not in self._paths[template]:
                return [f"{key}: not in Discord's description"]
            self._validators[key] = self._compile(template, method.lower())
        validator = self._validators[key]
        if validator is None or validator.is_valid(body):
            return []
        fault = best_match(validator.iter_errors(body))
        return [f"{key}: {_told(fault)}"] if fault else []

    def _compile(self, template: str, method: str) -> Draft202012Validator | None:
        content = self._paths[template][method].get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return None
        pointer = "/".join(
            part.replace("~", "~0").replace("/", "~1")
            for part in ("paths", template, method, "requestBody", "content", "application/json", "schema")
        )
        return Draft202012Validator({"$ref": f"{_URI}#/{pointer}"}, registry=self._registry)


def _shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


def _told(fault: ValidationError) -> str:
    where = "/".join(str(part) for part in fault.absolute_path)
    return f"at {where or 'the top'}: {fault.message[:500]}"


def load() -> Contract | None:
    """The contract, or None where the description is not beside the repository."""
    if not DESCRIPTION.exists():
        return None
    return Contract(json.loads(DESCRIPTION.read_bytes()))
