"""Puts a publication into a bucket of anything that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from storperf.errors import DeliveryError, UsageError
from storperf.hooks.publication import SUMS, Publication, PublishedFile

_CONNECT_S = 10
_READ_S = 60
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".xml": "application/xml",
    ".csv": "text/csv; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
}
_ABSENT = {"404", "NoSuchKey", "NotFound"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """`s3://NAME/PREFIX`, at an endpoint of its own or at Amazon's."""

    name: str
    prefix: str
    endpoint: str | None = None

    def key(self, publication: Publication, name: str) -> str:
        """Where a file of a publication stands in the bucket."""
        return "/".join(part for part in (self.prefix, publication.place, name) if part)


def parse_bucket(address: str, endpoint: str | None) -> Bucket:
    """UsageError for what is no `s3://BUCKET/PREFIX`, or no address of an endpoint."""
    parts = urlsplit(address)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query:
        raise UsageError("say s3://BUCKET/PREFIX; who you are is told as to aws's own programs")
    if endpoint is not None:
        there = urlsplit(endpoint)
        if there.scheme not in {"http", "https"} or not there.hostname or there.username:
            raise UsageError("--endpoint must be an address such as https://s3.example.org")
    return Bucket(name=parts.netloc, prefix=parts.path.strip("/"), endpoint=endpoint)


def publish_to_bucket(publication: Publication, bucket: Bucket) -> bool:
    """Put it into the bucket; False when it is there already.

    Who we are is found by botocore's own chain (AWS_* variables, ~/.aws, a role).  `SHA256SUMS`
    is put last: who finds it finds all of it.  UsageError without botocore; DeliveryError when the
    server does not take it.
    """
    with _faults(bucket):
        client = _client(bucket)
        if _is_there(client, publication, bucket):
            return False
        for each in publication.files:
            _put(client, bucket, publication, each)
    return True


def _client(bucket: Bucket) -> Any:
    # An extra, and heavy: only this command needs it.
    try:
        from botocore.config import Config
        from botocore.session import get_session
    except ImportError as error:
        raise UsageError(
            "s3:// needs botocore, which is not installed: pip install 'storperf[s3]'"
        ) from error
    session = get_session()
    return session.create_client(
        "s3",
        endpoint_url=bucket.endpoint,
        region_name=session.get_config_variable("region") or "us-east-1",
        config=Config(
            connect_timeout=_CONNECT_S,
            read_timeout=_READ_S,
            retries={"mode": "standard"},
            # Servers other than Amazon's know neither names of buckets before the host, nor the
            # checksums of 2025; the signature holds each body's SHA-256, which all of them check.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={
                "addressing_style": "auto" if bucket.endpoint is None else "path",
                "payload_signing_enabled": True,
            },
        ),
    )


def _is_there(client: Any, publication: Publication, bucket: Bucket) -> bool:
    """Whether the same checksums stand there, and every file beside them in its length."""
    from botocore.exceptions import ClientError

    try:
        found = client.get_object(Bucket=bucket.name, Key=bucket.key(publication, SUMS))
        with found["Body"] as body:
            if body.read(len(publication.sums) + 1) != publication.sums:
                return False
        return all(
            client.head_object(Bucket=bucket.name, Key=bucket.key(publication, each.name))[
                "ContentLength"
            ]
            == each.size_bytes
            for each in publication.files
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return False
        raise


def _put(client: Any, bucket: Bucket, publication: Publication, each: PublishedFile) -> None:
    suffix = each.name[each.name.rfind(".") :]
    how = {
        "Bucket": bucket.name,
        "Key": bucket.key(publication, each.name),
        "ContentType": _TYPES.get(suffix, "text/plain; charset=utf-8"),
        "Metadata": {"sha256": each.sha256},
    }
    if isinstance(each.content, bytes):
        client.put_object(Body=each.content, **how)
        return
    with each.content.open("rb") as file:
        client.put_object(Body=file, **how)


@contextmanager
def _faults(bucket: Bucket) -> Iterator[None]:
    """Turn botocore's errors into ours; they hold no secret, and neither do these."""
    try:
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError:
        # `_client` says what to do.
        yield
        return
    place = f"s3://{bucket.name}" + (f" at {bucket.endpoint}" if bucket.endpoint else "")
    try:
        yield
    except NoCredentialsError as error:
        raise UsageError(
            f"no credentials for {place}: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or name a profile of ~/.aws in AWS_PROFILE"
        ) from error
    except ClientError as error:
        found = error.response["Error"]
        code = found.get("Code", "?")
        if code == "NoSuchBucket":
            raise UsageError(f"there is no bucket {bucket.name!r}: {place}") from error
        raise DeliveryError(f"{place} refuses: {code}, {found.get('Message', '')}") from error
    except (BotoCoreError, OSError) as error:
        raise DeliveryError(f"cannot publish to {place}: {error}", is_passing=True) from error
