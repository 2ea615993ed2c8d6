"""AWS for the end-to-end tests: one JSON call a line in, one JSON answer a line out, until its input ends.

In:  {service, operation, params, endpoint, region, credentials: {access_key_id, secret_access_key, session_token}}
     or {service: "url", operation: method, params: {url, body}, region, credentials}, answered by {ok: {status, body}}
Out: {ok: answer} or {error: {code, message}}. Bytes come back as text, or as base64 below "$base64", and go in so.
"""

import base64
import json
import sys
from functools import cache

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.response import StreamingBody

# A test says itself what is tried again.
CONFIG = Config(
    retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=90, s3={"addressing_style": "path"}
)


@cache
def client(service: str, endpoint: str, region: str, key: str, secret: str, token: str):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token or None,
        config=CONFIG,
    )


def signed(asked: dict) -> dict:
    """A request to a URL that IAM guards, signed as AWS's own clients do (Signature Version 4)."""
    given, params = asked["credentials"], asked["params"]
    keys = Credentials(given["access_key_id"], given["secret_access_key"], given["session_token"] or None)
    headers = {"content-type": "application/json"}
    request = AWSRequest(asked["operation"], params["url"], data=params["body"].encode(), headers=headers)
    SigV4Auth(keys, "lambda", asked["region"]).add_auth(request)
    answer = URLLib3Session(timeout=90).send(request.prepare())
    return {"ok": {"status": answer.status_code, "body": answer.text}}


def call(asked: dict) -> dict:
    if asked["service"] == "url":
        return signed(asked)
    given = asked["credentials"]
    keys = (given["access_key_id"], given["secret_access_key"], given["session_token"])
    made = client(asked["service"], asked["endpoint"], asked["region"], *keys)
    try:
        return {"ok": getattr(made, asked["operation"])(**revived(asked["params"]))}
    except ClientError as error:
        told = error.response.get("Error", {})
        return {"error": {"code": told.get("Code", ""), "message": told.get("Message", "")}}
    except BotoCoreError as error:
        return {"error": {"code": type(error).__name__, "message": str(error)}}


def revived(value):
    """Bytes again, where JSON had to say it otherwise."""
    if isinstance(value, dict):
        if value.keys() == {"$base64"}:
            return base64.b64decode(value["$base64"])
        return {name: revived(inner) for name, inner in value.items()}
    return [revived(inner) for inner in value] if isinstance(value, list) else value


def plain(value):
    """What JSON has no form of its own for."""
    if isinstance(value, StreamingBody):
        value = value.read()
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"$base64": base64.b64encode(value).decode()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(call(json.loads(line)), default=plain), flush=True)


if __name__ == "__main__":
    main()
