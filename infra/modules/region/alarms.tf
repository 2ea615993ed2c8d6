# A record that could not be written is an incident, and so is a ledger that falls behind.
# Where a function keeps dead letters, modules/function has the alarm for them.

locals {
  set_aside = {
    audit-dlq = "Audit records were set aside: they are in the dead-letter queue and not in the ledger."
    # Whoever has left is out, whatever lies here: every call reads their row.
    lifecycle-queue-dlq = "Somebody has left, and what they held is not dealt with: keys unmarked, secrets without a deadline, agents without an owner. The sweep goes on trying."
    # Whoever was not told finds the request on the page, and an agent when it asks.
    approvals-queue-dlq = "Somebody could not be told of a request, or an agent of its end, as often as it was tried: an address that a tenant configured does not answer, or mail is not taken."
  }
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = local.set_aside

  alarm_name          = "${local.prefix}-${each.key}-not-empty"
  alarm_description   = each.value
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = local.watched_dead_letters[each.key].name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# Each alarm keeps its name: made anew before the old one is taken away, it would go with it.
moved {
  from = aws_cloudwatch_metric_alarm.audit_dead_letters
  to   = aws_cloudwatch_metric_alarm.dead_letters["audit-dlq"]
}

moved {
  from = aws_cloudwatch_metric_alarm.lifecycle_dead_letters
  to   = aws_cloudwatch_metric_alarm.dead_letters["lifecycle-queue-dlq"]
}

resource "aws_cloudwatch_metric_alarm" "audit_lag" {
  alarm_name          = "${local.prefix}-audit-lag"
  alarm_description   = "The oldest audit record has waited for more than a minute; ten seconds is the promise at p95."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.audit.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60
  period              = 60
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# The rule that asks for a checkpoint was disabled, removed or forgotten by EventBridge.
resource "aws_cloudwatch_metric_alarm" "checkpoint_stale" {
  alarm_name          = "${local.prefix}-checkpoint-stale"
  alarm_description   = "For five minutes nothing has asked for a checkpoint of the region log."
  namespace           = "AWS/Events"
  metric_name         = "Invocations"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.this["checkpoint"].name }
  statistic           = "Sum"
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 60
  evaluation_periods  = 5
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns
}

resource "aws_cloudwatch_metric_alarm" "checkpoint_refused" {
  alarm_name          = "${local.prefix}-checkpoint-refused"
  alarm_description   = "EventBridge could not hand the audit writer its request for a checkpoint."
  namespace           = "AWS/Events"
  metric_name         = "FailedInvocations"
  dimensions          = { RuleName = aws_cloudwatch_event_rule.this["checkpoint"].name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

# Lambda does not tell apart what failed: a checkpoint, or a batch of records as a whole. Either leaves the ledger behind.
resource "aws_cloudwatch_metric_alarm" "checkpoint_failing" {
  alarm_name          = "${local.prefix}-checkpoint-failing"
  alarm_description   = "The audit writer failed in three of five minutes: checkpoints are missing, or records wait."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = module.audit_writer.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}

locals {
  orphaned_holds = "${local.prefix}-orphaned-holds"
}

# A call that died between its hold and its settlement. Its attempt stays unpaired, and its worst case counts as spent.
resource "aws_cloudwatch_log_metric_filter" "orphaned_holds" {
  count = var.drop_conditions ? 0 : 1 # not for the emulator

  name           = "${local.prefix}-orphaned-holds"
  log_group_name = module.lifecycle.log_group
  pattern        = "\"hold.orphaned\""

  metric_transformation {
    namespace = "Countersign"
    name      = local.orphaned_holds
    value     = "1"
  }
}

resource "aws_cloudwatch_metric_alarm" "orphaned_holds" {
  alarm_name          = "${local.prefix}-orphaned-holds"
  alarm_description   = "Calls died before they were settled: their worst case counts as spent, and the ledger has no outcome of theirs."
  namespace           = "Countersign"
  metric_name         = local.orphaned_holds
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
}
