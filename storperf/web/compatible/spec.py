"""The compatible API as a Swagger 2.0 document, which the Swagger UI of the time reads."""

from __future__ import annotations

from typing import Any

from storperf.version import package_version

_STRING = {"type": "string"}
_INTEGER = {"type": "integer"}
_NUMBER = {"type": "number"}
_LIST = {"type": "array", "items": {"type": "string"}}
_OBJECT = {"type": "object"}


def _all(words: str, kind: dict[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(words.split(), kind)


_STACK = {
    **_all("agent_count volume_count volume_size", _INTEGER),
    **_all("agent_flavor agent_image public_network volume_type", _STRING),
    **_all("availability_zone subnet_CIDR stack_name", _STRING),
}
_LOGIN = {**_all("username password ssh_private_key", _STRING), "slave_addresses": _LIST}
_JOB = {
    **_all("target workload queue_depths block_sizes stack_name", _STRING),
    "deadline": _NUMBER,
    "steady_state_samples": _INTEGER,
    "metadata": _OBJECT,
}
_INITIALIZATION = {
    **_all("target stack_name mkfs mount_device mount_point", _STRING),
    **_all("filesize file_size nrfiles numjobs", _STRING),
    "metadata": _OBJECT,
    **_LOGIN,
}
_MODELS = {
    "ConfigurationRequestModel": {**_STACK, "username": _STRING, "password": _STRING},
    "ConfigurationResponseModel": {
        **_STACK,
        "stack_created": {"type": "boolean"},
        "stack_id": _STRING,
        "slave_addresses": _LIST,
    },
    "WorkloadModel": {**_JOB, **_LOGIN},
    "WorkloadV2Model": {**_JOB, **_LOGIN, "workloads": _OBJECT},
    "WarmUpModel": _INITIALIZATION,
    "WorkloadResponseModel": {"job_id": _STRING},
    "StackIdModel": {"stack_id": _STRING},
    "SlavesModel": {"Slaves": {}},
    "QuotaModel": {"quota": _INTEGER},
    "LogsModel": {"logs": _LIST},
    "JobModel": {},
    "ErrorModel": {"message": _STRING, "error": _STRING, "exit_code": _INTEGER},
}


def _query(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "type": "string", "description": description}


def _body(model: str, *, required: bool = True) -> dict[str, Any]:
    schema = {"$ref": f"#/definitions/{model}"}
    return {"name": "body", "in": "body", "required": required, "schema": schema}


def _route(summary: str, model: str, *parameters: dict[str, Any]) -> dict[str, Any]:
    answers = {"200": ("as asked", model), "400": ("refused, with the reason", "ErrorModel")}
    answers["401"] = ("no valid token", "ErrorModel")
    answers["403"] = ("the token is for less", "ErrorModel")
    answers["404"] = ("no job has that id", "ErrorModel")
    answers["409"] = ("another job is there", "ErrorModel")
    return {
        "summary": summary,
        "produces": ["application/json"],
        "consumes": ["application/json"],
        "parameters": list(parameters),
        "responses": {
            status: {"description": words, "schema": {"$ref": f"#/definitions/{name}"}}
            for status, (words, name) in answers.items()
        },
    }


_STACK_NAME = _query("stack_name", "The stack; the default is StorPerfAgentGroup, or the last one.")
_ID = _query("id", "The job; `job_id` is understood too.")
_TYPE = _query("type", "metrics (default), metadata, or status.")
_END = _route("End the job that is there.", "SlavesModel")
_SHOW = _route("One job; without an id all of them.", "JobModel", _ID, _TYPE)
_PATHS = {
    "/v1.0/configurations": {
        "get": _route("Show a configuration.", "ConfigurationResponseModel", _STACK_NAME),
        "post": _route(
            "Make a stack; answers when it is there.",
            "ConfigurationResponseModel",
            _body("ConfigurationRequestModel"),
        ),
        "delete": _route("Delete a stack.", "StackIdModel", _STACK_NAME),
    },
    "/v1.0/quotas": {"get": _route("How many volumes may be made.", "QuotaModel")},
    "/v1.0/jobs": {
        "get": _SHOW,
        "post": _route("Start a job.", "WorkloadResponseModel", _body("WorkloadModel")),
        "delete": _END,
    },
    "/v2.0/jobs": {
        "get": _SHOW,
        "post": _route(
            "Start a job of your own workloads.", "WorkloadResponseModel", _body("WorkloadV2Model")
        ),
        "delete": _END,
    },
    "/v1.0/initializations": {
        "post": _route(
            "Write the target once.", "WorkloadResponseModel", _body("WarmUpModel", required=False)
        )
    },
    "/v1.0/logs": {
        "get": _route("The last lines of the log.", "LogsModel", _query("lines", "How many; 35."))
    },
}


def spec() -> dict[str, Any]:
    """The document."""
    models = {name: {"type": "object", "properties": each} for name, each in _MODELS.items()}
    return {
        "swagger": "2.0",
        "info": {
            "title": "StorPerf",
            "version": package_version(),
            "description": "The API of the earlier StorPerf.",
        },
        "basePath": "/api",
        "paths": _PATHS,
        "definitions": models,
        "securityDefinitions": {"basic": {"type": "basic"}},
        "security": [{"basic": []}],
    }
