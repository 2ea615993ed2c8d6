# The way in before there is anybody: a URL of its own that AWS authenticates, and one role that may call it. Without
# `admin.bootstrap` all of it is gone; from the first sign-in on the function refuses it whether it is there or not.
#
# The alias is the door: the function takes IAM's word only from calls that came by it, and nobody but this role and the
# account's own administrators may use it. Whoever may invoke the function itself, as the deployer, writes the whole event
# and could write any caller into it.

resource "aws_lambda_alias" "bootstrap" {
  count = var.admin.bootstrap ? 1 : 0

  name             = "bootstrap"
  description      = "The first organization, by whoever IAM says."
  function_name    = module.admin.name
  function_version = "$LATEST"
}

resource "aws_lambda_function_url" "bootstrap" {
  count = var.admin.bootstrap ? 1 : 0

  function_name      = module.admin.name
  qualifier          = aws_lambda_alias.bootstrap[0].name
  authorization_type = "AWS_IAM"
  invoke_mode        = "RESPONSE_STREAM"
}

data "aws_iam_policy_document" "bootstrap" {
  statement {
    sid       = "CallTheUrl"
    actions   = ["lambda:InvokeFunctionUrl"]
    resources = ["${module.admin.arn}:bootstrap"]

    dynamic "condition" {
      for_each = var.drop_conditions ? [] : ["AWS_IAM"]

      content {
        test     = "StringEquals"
        variable = "lambda:FunctionUrlAuthType"
        values   = [condition.value]
      }
    }
  }

  # Asked for besides since October 2025; under this condition it lets nobody write an event. The emulator does not ask.
  dynamic "statement" {
    for_each = var.drop_conditions ? [] : [1]

    content {
      sid       = "ThroughTheUrl"
      actions   = ["lambda:InvokeFunction"]
      resources = ["${module.admin.arn}:bootstrap"]

      condition {
        test     = "Bool"
        variable = "lambda:InvokedViaFunctionUrl"
        values   = ["true"]
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "bootstrap_used" {
  count = var.admin.bootstrap ? 1 : 0

  alarm_name          = "${local.prefix}-bootstrap-used"
  alarm_description   = "Somebody called the URL that makes the first organization. If that was not planned, read the audit log's admin.bootstrap, and set admin.bootstrap to false."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = module.admin.name, Resource = "${module.admin.name}:bootstrap" }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}
