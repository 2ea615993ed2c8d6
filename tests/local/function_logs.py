"""Prints what the functions logged. Runs in the virtual environment: {endpoint, region, log_groups} in, text out."""

import json
import sys

import boto3


def lines(logs, group: str):
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group):
        for event in page["events"]:
            yield event["timestamp"], f"{group} {event['message'].rstrip()}"


def main() -> None:
    asked = json.load(sys.stdin)
    logs = boto3.client("logs", endpoint_url=asked["endpoint"], region_name=asked["region"])
    found = [line for group in asked["log_groups"] for line in lines(logs, group)]
    for _, line in sorted(found, key=lambda stamped: stamped[0]):
        print(line)


if __name__ == "__main__":
    main()
