"""Assumes each role through STS. Runs in the virtual environment: {endpoint, region, roles} in, {role: credentials} out."""

import json
import sys

import boto3

SESSION_SECONDS = 43_200


def assume(sts, arn: str) -> dict[str, str]:
    granted = sts.assume_role(RoleArn=arn, RoleSessionName="local-stack", DurationSeconds=SESSION_SECONDS)["Credentials"]
    return {
        "access_key_id": granted["AccessKeyId"],
        "secret_access_key": granted["SecretAccessKey"],
        "session_token": granted["SessionToken"],
    }


def main() -> None:
    asked = json.load(sys.stdin)
    sts = boto3.client("sts", endpoint_url=asked["endpoint"], region_name=asked["region"])
    json.dump({role: assume(sts, arn) for role, arn in asked["roles"].items()}, sys.stdout)


if __name__ == "__main__":
    main()
