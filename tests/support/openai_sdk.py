"""An agent with the unmodified OpenAI SDK: {base_url, api_key, model, content} in, what the SDK made of it out."""

import json
import sys

import openai


def main() -> None:
    asked = json.load(sys.stdin)
    client = openai.OpenAI(base_url=asked["base_url"], api_key=asked["api_key"])
    messages = [{"role": "user", "content": asked["content"]}]
    try:
        raw = client.chat.completions.with_raw_response.create(model=asked["model"], messages=messages)
        told = {"content": raw.parse().choices[0].message.content, "action_id": raw.headers["x-cs-action-id"]}
    except openai.APIStatusError as error:
        told = {"error": type(error).__name__, "status": error.status_code, "code": error.code}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
