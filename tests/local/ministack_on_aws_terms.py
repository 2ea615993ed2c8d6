"""MiniStack, with what it does otherwise than AWS where our policies depend on it.

SQS has no action of its own for a batch: `SendMessageBatch` is allowed by `sqs:SendMessage`, and so on for the others
(Service Authorization Reference, Amazon SQS, read 2026-11). MiniStack asks for the name of the operation, which AWS
refuses in a queue's policy and never grants.
"""

from ministack.app import main
from ministack.core import iam_actions

_BATCHES = {
    f"sqs:{action}Batch": f"sqs:{action}" for action in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
}
_of_operation = iam_actions.extract_iam_action


def _action(*args, **kwargs):
    action = _of_operation(*args, **kwargs)
    return _BATCHES.get(action, action)


iam_actions.extract_iam_action = _action

if __name__ == "__main__":
    main()
