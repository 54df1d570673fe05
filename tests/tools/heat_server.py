"""Heat as a small program, with what it makes in Nova, Cinder and Neutron.

For faults that a real cloud cannot be made to show, and where there is no cloud.  It makes what a
template says at once, or after so many looks (`looks`), or not (`breaks`: a reason by resource);
it loses its work so many times (`losses`), as an engine does that is killed, and forgets
what it had just made (`forgets`, by resource); a server that is forgotten holds its port.
"""

from __future__ import annotations

import itertools
import math
import uuid
from urllib.parse import parse_qs

from tools.cloud_server import PROJECT, CloudServer

_STACK = rf"/orchestration/v1/{PROJECT}/stacks"
_KINDS = {"OS::Nova::Server": "servers", "OS::Cinder::Volume": "volumes"}


class HeatServer(CloudServer):
    """`stacks` by name; `things` by kind and id."""

    def __init__(self) -> None:
        super().__init__()
        self.stacks = {}
        self.things = {"servers": {}, "volumes": {}, "ports": {}, "keypairs": {}}
        self.things["images"] = {}
        self.looks = 0
        self.losses = 0
        self.forgets = ()
        self.breaks = {}
        self.keeps = {}
        self._numbers = itertools.count(1)
        self.route(rf"GET {_STACK}", self._list)
        self.route(rf"POST {_STACK}", self._create)
        self.route(rf"GET {_STACK}/([^/]+)(?:/[^/]+)?", self._show)
        self.route(rf"PUT {_STACK}/([^/]+)/[^/]+", self._update)
        self.route(rf"DELETE {_STACK}/([^/]+)/[^/]+", self._delete)
        self.route(rf"GET {_STACK}/([^/]+)/[^/]+/resources", self._resources)
        self.route(rf"GET {_STACK}/([^/]+)/[^/]+/events", self._events)
        self.route(r"GET /compute/v2\.1/servers/detail", lambda *_: self._all("servers"))
        self.route(rf"GET /volume/v3/{PROJECT}/volumes/detail", lambda *_: self._all("volumes"))
        self.route(r"GET /compute/v2\.1/os-keypairs", lambda *_: self._all("keypairs"))
        self.route(r"GET /compute/v2\.1/os-server-groups", lambda *_: {"server_groups": []})
        self.route(r"GET /image/v2/images", lambda *_: self._all("images"))
        self.route(r"GET /image/v2/images/i1", lambda *_: {"name": "i", "checksum": "c"})
        self.route(r"GET /network/v2\.0/networks", lambda *_: {"networks": [{"id": "n1"}]})
        subnets = {"subnets": [{"cidr": "127.0.0.0/8"}]}
        self.route(r"GET /network/v2\.0/subnets", lambda *_: subnets)
        for name in ("floatingips", "routers", "security-groups"):
            key = name.replace("-", "_")
            self.route(rf"GET /network/v2\.0/{name}", lambda *_, key=key: {key: []})
        self.route(r"GET /network/v2\.0/ports", lambda *_: self._all("ports"))
        self.route(r"(GET|DELETE) /.*/(servers|volumes|ports|images)/([^/]+)", self._piece)

    def leave(self, kind, name, **marks):
        """A thing that no stack has any more."""
        identity = str(uuid.uuid4())
        metadata = {f"storperf_{key}": value for key, value in marks.items()}
        tags = ["storperf", *(f"{key}={value}" for key, value in metadata.items())]
        body = {"id": identity, "name": name, "status": "available"}
        self.things[kind][identity] = {**body, "metadata": metadata, "tags": tags}
        return identity

    # --- Heat ------------------------------------------------------------------------------------

    def _list(self, _match, _body, query):
        wanted = parse_qs(query).get("tags", [None])[0]
        found = [each for each in self.stacks.values() if wanted in (None, *each["tags"])]
        return {"stacks": [self._shown(each) for each in found]}

    def _create(self, _match, body, _query):
        name = body["stack_name"]
        if name in self.stacks:
            return 409, {"error": {"type": "StackExists", "message": f"({name}) already exists."}}
        stack = {
            "stack_name": name,
            "id": str(uuid.uuid4()),
            "tags": body["tags"].split(","),
            "resources": {},
            "events": [],
            "body": body,
        }
        self.stacks[name] = stack
        self._begin(stack, "CREATE", body)
        return 201, {"stack": {"id": stack["id"]}}

    def _update(self, match, body, _query):
        stack = self.stacks.get(match[1])
        if stack is None:
            return 404, {"error": {"message": "no such stack"}}
        self._begin(stack, "UPDATE", body)
        return 202, b"<html><h1>202 Accepted</h1></html>"

    def _begin(self, stack, action, body):
        is_lost = self.losses > 0
        self.losses -= is_lost
        stack |= {"action": action, "left": math.inf if is_lost else self.looks, "body": body}
        if is_lost:
            for name in self.forgets:
                self._made(body["template"]["resources"][name], name)
            self.forgets = ()
        if not stack["left"]:
            self._finish(stack)

    def _finish(self, stack):
        failed = False
        for name, resource in stack["body"]["template"]["resources"].items():
            old = stack["resources"].get(name)
            if old is not None and old["resource_status"].endswith("COMPLETE"):
                continue
            why = self.breaks.get(name, "") or self._in_use(stack, f"{name}-port")
            failed = failed or bool(why)
            made = self._made(resource, name)
            made |= {
                "resource_status": f"{stack['action']}_{'FAILED' if why else 'COMPLETE'}",
                "resource_status_reason": why or "state changed",
            }
            stack["resources"][name] = made
            stack["events"].append({"id": str(next(self._numbers)), **made})
        stack["left"] = None
        stack["failed"] = failed

    def _in_use(self, stack, name):
        """Why a port cannot be taken or deleted: a server has it that is in no resource."""
        known = {each["physical_resource_id"] for each in stack["resources"].values()}
        holder = f"{stack['stack_name']}-{name.removesuffix('-port')}"
        for identity, each in self.things["servers"].items():
            if name.endswith("-port") and each["name"] == holder and identity not in known:
                return f"{name} is still in use"
        return ""

    def _made(self, resource, name):
        identity = str(uuid.uuid4())
        kind, asked = _KINDS.get(resource["type"]), resource["properties"]
        if kind == "servers":
            address = {"addr": "127.0.0.1", "version": 4, "OS-EXT-IPS:type": "fixed"}
            extra = {"addresses": {"n": [address]}, "image": {"id": "i1"}, "flavor": {}}
            shown = {"id": identity, "name": asked["name"], "metadata": asked["metadata"], **extra}
            self.things[kind][identity] = {**shown, "hostId": "h1", "status": "ACTIVE"}
        elif kind == "volumes":
            self.things[kind][identity] = {
                "id": identity,
                "name": asked["name"],
                "size": asked["size"],
                "volume_type": asked.get("volume_type", "default"),
                "metadata": asked["metadata"],
                "status": "in-use",
            }
        return {
            "resource_name": name,
            "resource_type": resource["type"],
            "physical_resource_id": identity,
        }

    def _shown(self, stack):
        if stack.get("left"):
            status, reason = "IN_PROGRESS", ""
        else:
            failed = stack.get("failed")
            status = "FAILED" if failed else "COMPLETE"
            reason = "Resource failed" if failed else "Stack completed"
        kept = {key: stack[key] for key in ("stack_name", "id", "tags")}
        status = f"{stack['action']}_{status}"
        return {**kept, "stack_status": status, "stack_status_reason": reason}

    def _show(self, match, _body, _query):
        stack = self.stacks.get(match[1])
        if stack is None:
            return 404, {"error": {"message": "no such stack"}}
        shown = self._shown(stack)
        if stack.get("left"):
            stack["left"] -= 1
            if not stack["left"]:
                self._finish(stack)
        return {"stack": shown}

    def _resources(self, match, _body, _query):
        stack = self.stacks.get(match[1])
        if stack is None:
            return 404, {"error": {"message": "no such stack"}}
        return {"resources": list(stack["resources"].values())}

    def _events(self, match, _body, _query):
        stack = self.stacks.get(match[1])
        return {"events": [] if stack is None else stack["events"][::-1]}

    def _delete(self, match, _body, _query):
        """All of it goes but what `keeps` names, each so many times."""
        stack = self.stacks.get(match[1])
        if stack is None:
            return 404, {"error": {"message": "no such stack"}}
        stack |= {"action": "DELETE", "left": None, "failed": False}
        for name, resource in [*stack["resources"].items()]:
            is_kept = self.keeps.get(name, 0) > 0
            if is_kept:
                self.keeps[name] -= 1
            if is_kept or self._in_use(stack, name):
                resource["resource_status"] = "DELETE_FAILED"
                resource["resource_status_reason"] = "it is busy"
                stack["failed"] = True
                continue
            del stack["resources"][name]
            for things in self.things.values():
                things.pop(resource["physical_resource_id"], None)
        if not stack["resources"]:
            del self.stacks[match[1]]
        return 204, None

    # --- the others ------------------------------------------------------------------------------

    def _all(self, kind):
        return {kind: list(self.things[kind].values())}

    def _piece(self, match, _body, _query):
        kind, identity = match[2], match[3]
        if identity not in self.things[kind]:
            return 404, {"error": {"message": "not there"}}
        if match[1] == "GET":
            return {kind.removesuffix("s"): self.things[kind][identity]}
        del self.things[kind][identity]
        return 204, None
