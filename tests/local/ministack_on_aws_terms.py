"""MiniStack, with what it does otherwise than AWS where we depend on it.

SQS has no action of its own for a batch: `SendMessageBatch` is allowed by `sqs:SendMessage`, and so on for the others
(Service Authorization Reference, Amazon SQS, read 2026-11). MiniStack asks for the name of the operation, which AWS
refuses in a queue's policy and never grants.

Athena reads the one partition of an injected column that a query names, refuses a query that names none (Amazon Athena
User Guide, "Supported types for partition projection"), and gives columns the types of their table. MiniStack reads
every object of a table and guesses types from them, which takes 32 MiB of memory for each: with a few hundred files
no query of JSON ends well.

A streamed answer's metadata holds its cookies, as a whole one's does (Lambda Developer Guide, "Response streaming for Lambda
functions": the metadata is that of an HTTP integration's response). MiniStack leaves them out.

A URL that IAM guards tells the function who called (Lambda Developer Guide, "Invoking Lambda function URLs", request payload:
`requestContext.authorizer.iam`), and a function learns by which of its names it was invoked, alias included (Lambda Developer
Guide, "Using the Lambda runtime API", `Lambda-Runtime-Invoked-Function-Arn`). MiniStack checks signature and policies, and says
neither.

`ses:SendEmail` is for an identity, and `ses:FromAddress` is whom a message says it is from (Service Authorization Reference, Amazon
Simple Email Service v2, read 2026-11). MiniStack knows neither, so that a policy that names them lets nobody send.

A connection is ended by its client, which keeps one idle for 90 s (`DefaultHTTPTransportIdleConnTimeout` of aws-sdk-go-v2, which
Terraform's provider uses). MiniStack ends it after 75 s, now and then with a request on it that is done and not answered: the client
repeats it, and is told that what it makes exists already.
"""

import re
from contextvars import ContextVar

from hypercorn.config import Config
from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import request_caller_arn
from ministack.services import athena, lambda_svc

# MiniStack sets its own when it starts.
Config.keep_alive_timeout = property(lambda _config: 600.0, lambda _config, _seconds: None)

_BATCHES = {
    f"sqs:{action}Batch": f"sqs:{action}" for action in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
}
_of_operation = iam_actions.extract_iam_action


def _action(*args, **kwargs):
    action = _of_operation(*args, **kwargs)
    return _BATCHES.get(action, action)


iam_actions.extract_iam_action = _action

_of_ses, _checked, _enforce = iam_actions._ses_v2_resource_arn, app._enforce_ses_v2, iam_evaluator.enforce
_sender = ContextVar("sender", default="")


def _from(body: bytes) -> str:
    return iam_actions._safe_json_field(body, "FromEmailAddress") or ""


def _identity(method: str, path: str, body: bytes, region: str, account_id: str) -> str:
    if path.rstrip("/").endswith("/outbound-emails") and _from(body):
        return f"arn:aws:ses:{region}:{account_id}:identity/{_from(body)}"
    return _of_ses(method, path, body, region, account_id)


def _of_mail(method: str, path: str, headers: dict, body: bytes, query_params: dict, request_id: str):
    _sender.set(_from(body))
    return _checked(method, path, headers, body, query_params, request_id)


def _with_sender(access_key_id: str, iam_action: str, *args, service_context: dict | None = None, **kwargs):
    if iam_action == "ses:SendEmail":
        service_context = {**(service_context or {}), "ses:FromAddress": _sender.get()}
    return _enforce(access_key_id, iam_action, *args, service_context=service_context, **kwargs)


iam_actions._ses_v2_resource_arn, app._enforce_ses_v2, iam_evaluator.enforce = _identity, _of_mail, _with_sender

_query = ContextVar("query", default="")
_rewrite = athena._rewrite_data_paths
_relation = athena._table_relation


async def _with_query(query, *args, **kwargs):
    _query.set(query)
    return await _rewrite(query, *args, **kwargs)


def _projected(table: dict, files: list[str]) -> str:
    files = [file for file in files if all(part in file for part in _injected(table))]
    if not files:
        return athena._empty_relation(table)
    if athena._data_format(table) != "json":
        return _relation(table, files)
    described = table["StorageDescriptor"]["Columns"]
    types = (f"'{column['Name']}': '{athena._duckdb_type(column)}'" for column in described)
    options = f"columns = {{{', '.join(types)}}}, format = 'newline_delimited'"
    hive = athena._hive_options(athena._path_partition_keys(table, files))
    return f"read_json({athena._sql_list(files)}, {options}, {hive})"


def _injected(table: dict) -> list[str]:
    """The part of a file's path for each injected column of the table, as the query has it."""
    parts = []
    for name, kind in (table.get("Parameters") or {}).items():
        column = re.fullmatch(r"projection\.(\w+)\.type", name)
        if column is None or kind != "injected":
            continue
        equal = re.search(rf"\b{column[1]}\s*=\s*'([^'/]*)'", _query.get())
        if equal is None:
            raise ValueError(
                f"CONSTRAINT_VIOLATION: For the injected projected partition column {column[1]}, the WHERE clause must "
                "contain only static equality conditions, and at least one such condition must be present."
            )
        parts.append(f"/{column[1]}={equal[1]}/")
    return parts


athena._rewrite_data_paths = _with_query
athena._table_relation = _projected

_streamed = lambda_svc._function_url_stream_response


def _with_cookies(result: dict, cors_headers: dict) -> tuple:
    status, headers, body = _streamed(result, cors_headers)
    payload = result.get("body") or b""
    prelude, _ = lambda_svc._split_stream_prelude(payload.encode() if isinstance(payload, str) else payload)
    cookies = (prelude or {}).get("cookies")
    return status, {**headers, "Set-Cookie": list(cookies)} if cookies else headers, body


lambda_svc._function_url_stream_response = _with_cookies

_event = lambda_svc._build_function_url_event


def _with_caller(url_id, account_id, region, method, path, headers, body, query_params, anonymous=False, **kwargs) -> dict:
    asked = (url_id, account_id, region, method, path, headers, body, query_params)
    event = _event(*asked, anonymous=anonymous, **kwargs)
    if not anonymous:
        arn = request_caller_arn(headers, query_params)
        said = {"accountId": arn.split(":")[4], "callerId": arn, "userArn": arn, "userId": arn}
        event["requestContext"]["authorizer"] = {"iam": said}
    return event


lambda_svc._build_function_url_event = _with_caller

_record = lambda_svc._get_func_record_for_ref_in_scope


def _by_its_alias(function_ref: str, **kwargs) -> tuple:
    func, config, qualifier = _record(function_ref, **kwargs)
    _, _, alias = function_ref.partition(":")
    if config and alias.isalpha():
        base = ":".join(config["FunctionArn"].split(":")[:7])
        config = {**config, "FunctionArn": f"{base}:{alias}"}
    return func, config, qualifier


lambda_svc._get_func_record_for_ref_in_scope = _by_its_alias

if __name__ == "__main__":
    app.main()
